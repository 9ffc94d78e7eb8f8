"""Reading the environment."""

import stat

import pytest

from project import environment


@pytest.mark.parametrize("word", ["1", "true", "Yes", "on"])
def test_flag_understands_yes(monkeypatch, word):
    monkeypatch.setenv("SOME_FLAG", word)

    assert environment.flag("SOME_FLAG") is True


@pytest.mark.parametrize("word", ["0", "false", "No", "off"])
def test_flag_understands_no(monkeypatch, word):
    monkeypatch.setenv("SOME_FLAG", word)

    assert environment.flag("SOME_FLAG", default=True) is False


def test_flag_that_is_empty_means_the_default(monkeypatch):
    monkeypatch.setenv("SOME_FLAG", "")

    assert environment.flag("SOME_FLAG", default=True) is True


def test_flag_refuses_a_word_it_would_have_to_guess_at(monkeypatch):
    monkeypatch.setenv("SOME_FLAG", "maybe")

    with pytest.raises(ValueError, match="SOME_FLAG must be 1 or 0"):
        environment.flag("SOME_FLAG")


def test_words_are_parted_by_commas(monkeypatch):
    monkeypatch.setenv("SOME_WORDS", " one, two ,")

    assert environment.words("SOME_WORDS") == ["one", "two"]


def test_words_that_are_not_set_are_the_default(monkeypatch):
    monkeypatch.delenv("SOME_WORDS", raising=False)

    assert environment.words("SOME_WORDS", ["three"]) == ["three"]


@pytest.mark.parametrize(
    ("hosts", "public"),
    [
        pytest.param(["localhost", "127.0.0.1", "[::1]"], False, id="this machine"),
        pytest.param(["localhost", "studio.example.com"], True, id="one public name among them"),
        pytest.param(["*"], True, id="any name"),
    ],
)
def test_names_public_host(hosts, public):
    assert environment.names_public_host(hosts) is public


def test_kept_secret_stays_the_same(tmp_path):
    first = environment.kept_secret(tmp_path / "var" / "secret-key")

    second = environment.kept_secret(tmp_path / "var" / "secret-key")

    assert first == second
    assert len(first) >= 50


def test_kept_secret_is_readable_by_its_owner_alone(tmp_path):
    path = tmp_path / "secret-key"

    environment.kept_secret(path)

    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert list(tmp_path.iterdir()) == [path]
