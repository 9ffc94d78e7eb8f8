"""The SEEDANCE dict: read at each access, with presets filling in, and silent about keys."""

import time
import traceback
from concurrent.futures import ThreadPoolExecutor

import pytest
import requests
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


def vault(*answers):
    """A function that answers each time with the next of these, and the list of its calls."""
    rest, calls = iter(answers), []

    def api_key():
        calls.append(1)
        answer = next(rest)
        if isinstance(answer, Exception):
            raise answer
        return answer

    return api_key, calls


def test_callable_key_is_asked_for_once_in_a_while(monkeypatch):
    api_key, calls = vault("old", "new")

    with site({"PRESET": "cometapi", "API_KEY": api_key}):
        seen = [conf.provider().key, conf.provider().key]
        monkeypatch.setattr(conf, "KEY_SECONDS", 0.0)
        conf.forget_keys()
        later = conf.provider().key

    assert (seen, later, len(calls)) == (["old", "old"], "new", 2)


def test_threads_that_need_the_key_at_once_ask_for_it_once():
    calls = []

    def slow_vault():
        calls.append(1)
        time.sleep(0.05)
        return KEY

    with site({"PRESET": "cometapi", "API_KEY": slow_vault}), ThreadPoolExecutor(8) as pool:
        keys = set(pool.map(lambda _: conf.provider().key, range(8)))

    assert (keys, len(calls)) == ({KEY}, 1)


@pytest.mark.parametrize(
    "failure", [FileNotFoundError(KEY), RuntimeError(KEY), requests.ConnectionError(KEY), KeyError(KEY)], ids=repr
)
def test_failing_key_function_is_a_wrong_configuration_that_names_no_secret(failure):
    api_key, _calls = vault(failure)

    with site({"PRESET": "cometapi", "API_KEY": api_key}), pytest.raises(ConfigurationError) as caught:
        _ = conf.provider().key

    assert type(failure).__name__ in str(caught.value)
    assert KEY not in "".join(traceback.format_exception(caught.value))
    assert caught.value.__context__ is None


def test_failing_key_function_is_not_asked_again_at_once():
    api_key, calls = vault(RuntimeError(), KEY)

    with site({"PRESET": "cometapi", "API_KEY": api_key}):
        for _ in range(3):
            with pytest.raises(ConfigurationError):
                _ = conf.provider().key

    assert len(calls) == 1


def test_key_that_is_no_text_is_a_wrong_configuration():
    with (
        site({"PRESET": "cometapi", "API_KEY": lambda: b"sk"}),
        pytest.raises(ConfigurationError, match="returned bytes"),
    ):
        _ = conf.provider().key


def test_refused_key_is_renewed_once():
    api_key, calls = vault("old", "new", "never asked for")

    with site({"PRESET": "cometapi", "API_KEY": api_key}):
        provider = conf.provider()
        first = provider.key
        renewed = [provider.renew_key(first), provider.renew_key(first), provider.renew_key("new")]

    assert (renewed, provider.key, len(calls)) == ([True, True, False], "new", 2)


def test_key_written_in_the_settings_is_not_renewed():
    with site():
        assert conf.provider().renew_key(KEY) is False


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
