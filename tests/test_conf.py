"""The SEEDANCE dict: read at each access, with presets filling in, and silent about keys."""

import pytest
from django.core.files.storage import FileSystemStorage, InMemoryStorage
from django.test import override_settings

from seedance import conf
from seedance.exceptions import ConfigurationError
from seedance.provider.presets import PRESETS

KEY = "sk-not-for-any-log"


def site(provider=None, **values):
    """Settings with one provider."""
    default = {"PRESET": "cometapi", "API_KEY": KEY} if provider is None else provider
    return override_settings(SEEDANCE={"PROVIDERS": {"default": default}, **values})


def test_settings_have_defaults():
    with site():
        assert conf.settings() == conf.Settings(PROVIDERS={"default": {"PRESET": "cometapi", "API_KEY": KEY}})


def test_settings_are_read_at_each_access():
    with site(THREADS=3):
        before = conf.settings().THREADS
        with site(THREADS=4):
            within = conf.settings().THREADS
        after = conf.settings().THREADS

    assert (before, within, after) == (3, 4, 3)


def test_provider_is_read_at_each_access():
    with site():
        before = conf.provider().BASE_URL
        with site({"PRESET": "ark"}):
            within = conf.provider().BASE_URL

    assert (before, within) == (PRESETS["cometapi"]["BASE_URL"], PRESETS["ark"]["BASE_URL"])


@pytest.mark.parametrize("written", [None, "cometapi", 5, []], ids=repr)
def test_settings_survive_what_is_no_dict(written):
    with override_settings(SEEDANCE=written):
        assert conf.settings() == conf.Settings()


def test_settings_ignore_names_that_do_not_exist():
    with site(TRHEADS=3):
        assert conf.settings().THREADS == 8


@pytest.mark.parametrize("preset", PRESETS)
def test_preset_is_complete(preset):
    with site({"PRESET": preset, "API_KEY": KEY}):
        provider = conf.provider()

    assert provider.BASE_URL.startswith("http")
    assert provider.DIALECT in ("ark", "openai_video")


@pytest.mark.parametrize("preset", PRESETS)
def test_preset_holds_nothing_but_settings(preset):
    assert PRESETS[preset].keys() <= set(conf.PROVIDER_NAMES)


def test_site_overrides_its_preset():
    with site({"PRESET": "cometapi", "BASE_URL": "https://relay.example/v3", "LISTS": True}):
        provider = conf.provider()

    assert (provider.BASE_URL, provider.LISTS, provider.INLINE_FLAGS) == ("https://relay.example/v3", True, True)


def test_provider_may_do_without_a_preset():
    with site({"BASE_URL": "https://relay.example/v3"}):
        provider = conf.provider()

    assert (provider.PRESET, provider.DIALECT, provider.TIMEOUT) == ("", "ark", 60.0)


def test_unknown_alias_says_what_to_write():
    with site(), pytest.raises(ConfigurationError, match=r'no provider "studio".*Add an entry'):
        conf.provider("studio")


@pytest.mark.parametrize("written", [None, "cometapi", 5], ids=repr)
def test_provider_that_is_no_dict_counts_as_missing(written):
    with override_settings(SEEDANCE={"PROVIDERS": {"default": written}}), pytest.raises(ConfigurationError):
        conf.provider()


@pytest.mark.parametrize(
    "written",
    [{}, {"PRESET": "commetapi"}, {"PRESET": None}, {"PRESET": ["ark"]}, {"PRESET": "arc", "BASE_URL": "https://h"}],
    ids=repr,
)
def test_unknown_preset_names_the_known_ones(written):
    with site(written), pytest.raises(ConfigurationError, match="cometapi, cometapi-videos, ark, byteplus, emulator"):
        conf.provider()


@pytest.mark.parametrize(
    ("written", "key"),
    [
        pytest.param(KEY, KEY, id="string"),
        pytest.param(lambda: KEY, KEY, id="callable"),
        pytest.param("", "", id="empty"),
        pytest.param(None, "", id="none"),
        pytest.param(lambda: None, "", id="callable without one"),
    ],
)
def test_key_is_a_string_or_asked_for(written, key):
    with site({"PRESET": "cometapi", "API_KEY": written}):
        assert conf.provider().key == key


def test_callable_key_is_asked_for_each_time():
    keys = iter(["old", "new"])

    with site({"PRESET": "cometapi", "API_KEY": lambda: next(keys)}):
        seen = [conf.provider().key, conf.provider().key]

    assert seen == ["old", "new"]


def test_reprs_do_not_show_the_key():
    with site():
        shown = repr(conf.provider()) + repr(conf.settings())

    assert KEY not in shown


def test_aliases_begin_with_default():
    with override_settings(SEEDANCE={"PROVIDERS": {"b": {}, "default": {}, "a": {}}}):
        assert conf.provider_aliases() == ["default", "a", "b"]


def test_storage_is_the_one_named(settings):
    settings.STORAGES = {
        **settings.STORAGES,
        "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
        "videos": {"BACKEND": "django.core.files.storage.InMemoryStorage"},
    }

    with site(STORAGE="videos"):
        named = conf.result_storage()
    with site():
        default = conf.result_storage()

    assert (type(named), type(default)) == (InMemoryStorage, FileSystemStorage)
