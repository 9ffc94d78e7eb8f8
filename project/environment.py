"""Environment variables as Python values. Independent of Django."""

import os
import secrets
from collections.abc import Iterable
from pathlib import Path

_TRUE = frozenset({"1", "true", "yes", "on"})
_FALSE = frozenset({"0", "false", "no", "off"})
_LOOPBACK = frozenset({"localhost", "127.0.0.1", "[::1]", "::1"})


def text(name: str, default: str = "") -> str:
    """The value, stripped; an empty one counts as unset."""
    return os.environ.get(name, "").strip() or default


def flag(name: str, default: bool = False) -> bool:
    """A boolean.

    Raises:
        ValueError: for any other word, so that a mistyped ``DEBUG`` is noticed.
    """
    word = text(name).lower()
    if not word:
        return default
    if word not in _TRUE | _FALSE:
        raise ValueError(f"{name} must be 1 or 0, not {word!r}.")
    return word in _TRUE


def words(name: str, default: Iterable[str] = ()) -> list[str]:
    """A comma-separated list."""
    return [word.strip() for word in text(name).split(",") if word.strip()] or list(default)


def names_public_host(hosts: Iterable[str]) -> bool:
    """Whether any of these host names is not a loopback name."""
    return any(host not in _LOOPBACK for host in hosts)


def kept_secret(path: Path) -> str:
    """The random secret in this file, created on first use and readable by its owner only.

    Several processes may start at once: the file is created atomically, and the first process wins.
    """
    try:
        return path.read_text()
    except FileNotFoundError:
        path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f"{path.name}.{secrets.token_hex(8)}")
    draft.touch(mode=0o600)
    draft.write_text(secrets.token_urlsafe(64))
    try:
        path.hardlink_to(draft)
    except FileExistsError:
        pass
    finally:
        draft.unlink()
    return path.read_text()
