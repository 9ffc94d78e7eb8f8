"""Every setting of the app: name, type, default and meaning, read from ``settings.SEEDANCE`` at each access."""

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any, Self

from django.conf import settings as django_settings
from django.core.files.storage import Storage, storages
from django.urls import get_script_prefix
from django.utils.module_loading import import_string

from .exceptions import ConfigurationError
from .policy import Policy
from .provider.presets import PRESETS

#: How long a process keeps what a callable ``API_KEY`` answered, and how long that it failed. Seconds.
KEY_SECONDS = 60.0
FAILED_KEY_SECONDS = 5.0


@dataclass(frozen=True)
class _CachedKey:
    """What a callable ``API_KEY`` answered last: a key, or what failed."""

    #: Kept, so that its id stays its own.
    source: Callable[[], object] = field(repr=False)
    key: str = field(repr=False)
    failure: str
    expires_at: float
    #: Whether it was asked because a provider had refused the one before.
    is_renewal: bool


_keys: dict[int, _CachedKey] = {}
_keys_lock = threading.Lock()


def _ask_for_key(source: Callable[[], object], *, is_renewal: bool = False) -> _CachedKey:
    """Call a site's function and remember its answer."""
    key, failure = "", ""
    try:
        answer = source()
    except Exception as exc:
        failure = type(exc).__name__  # its text may hold the secret, or the way to it
    else:
        key = answer if isinstance(answer, str) else ""
        failure = "" if isinstance(answer, str) or answer is None else f"it returned {type(answer).__name__}, not str"
    now = time.monotonic()
    for other in [other for other, cached in _keys.items() if cached.expires_at <= now]:
        del _keys[other]
    lifetime = FAILED_KEY_SECONDS if failure else KEY_SECONDS
    _keys[id(source)] = _CachedKey(source, key, failure, now + lifetime, is_renewal)
    return _keys[id(source)]


def forget_keys() -> None:
    """Have every callable ``API_KEY`` asked again, as after a fork or in a test."""
    with _keys_lock:
        _keys.clear()


@dataclass(frozen=True)
class Provider:
    """One entry of ``PROVIDERS``: preset values with the site's own on top. Times are in seconds."""

    alias: str
    #: Name of the preset that fills in what the site leaves out.
    PRESET: str
    #: Address of the API, up to and without ``/contents/generations/tasks`` or ``/videos``.
    BASE_URL: str
    #: The secret, or a zero-argument callable that returns it.
    API_KEY: str | Callable[[], str] = field(default="", repr=False)
    #: Wire spoken there: ``ark`` or ``openai_video``.
    DIALECT: str = "ark"
    #: Whether it answers a list of many tasks in one call.
    LISTS: bool = False
    #: Whether a queued task can be cancelled there.
    CANCELS: bool = False
    #: Whether it calls us back when asked to.
    CALLBACKS: bool = True
    #: Send parameters as flags in the prompt, the only form this host documents.
    INLINE_FLAGS: bool = False
    #: How long to wait for a connection.
    CONNECT_TIMEOUT: float = 5.0
    #: How long to wait for the answer of a create; the provider fetches media meanwhile.
    TIMEOUT: float = 60.0
    #: How long to wait for any other answer.
    GET_TIMEOUT: float = 15.0
    #: How long after submitting a task to ask for the first time.
    FIRST_POLL_SECONDS: float = 10.0
    #: How long between two polls of a task that did not change.
    POLL_SECONDS: float = 8.0
    #: How many tasks of one model may be created in a minute; 0: no limit of ours. CometAPI publishes none, so the
    #: default is the strictest of Ark's, for an individual account and 2.x models.
    CREATE_PER_MINUTE: float = 180
    #: How many tasks may be polled in a second; 0: no limit of ours.
    GET_PER_SECOND: float = 20
    #: How many lists may be asked for in a second; 0: no limit of ours.
    LIST_PER_SECOND: float = 1
    #: How many tasks may be at the provider at a time; 0: as many as it takes.
    MAX_ACTIVE: int = 0
    #: How many ids go into one list call, up to 500.
    LIST_IDS: int = 100

    @property
    def key(self) -> str:
        """The API key itself, ``""`` when none is configured. A callable's answer is kept for ``KEY_SECONDS``.

        Raises:
            ConfigurationError: the callable failed. Never holds its message, which may be a secret.
        """
        if not callable(self.API_KEY):
            return self.API_KEY or ""
        with _keys_lock:  # one thread asks, the others wait for its answer
            cached = _keys.get(id(self.API_KEY))
            if cached is None or cached.expires_at <= time.monotonic():
                cached = _ask_for_key(self.API_KEY)
        if cached.failure:
            raise ConfigurationError(
                f'The API_KEY function of provider "{self.alias}" failed ({cached.failure}); nothing is sent there '
                "until it returns a key."
            )
        return cached.key

    def renew_key(self, refused: str) -> bool:
        """Ask a callable again after the provider refused its key (401), at most once in ``KEY_SECONDS``.

        Returns:
            Whether there is another key by now, so that the call is worth another try.
        """
        if not callable(self.API_KEY):
            return False
        with _keys_lock:
            cached = _keys.get(id(self.API_KEY))
            if cached is None or (cached.key == refused and not cached.is_renewal):
                cached = _ask_for_key(self.API_KEY, is_renewal=True)
        return bool(cached.failure) or cached.key != refused


@dataclass(frozen=True)
class Settings:
    """The ``SEEDANCE`` dict with its defaults. Times are in seconds, sizes in bytes."""

    #: Providers by alias, like ``DATABASES``; one is named ``default``.
    PROVIDERS: Mapping[str, Mapping[str, Any]] = field(default_factory=dict, repr=False)
    #: Public base address of this site; set: callbacks are asked for.
    PUBLIC_URL: str = ""
    #: Alias in Django's ``STORAGES`` where videos and uploads are kept.
    STORAGE: str = "default"
    #: Dotted path of the class that decides who sees and may do what.
    POLICY: str = "seedance.policy.Policy"
    #: Catalogue rows of your own, or changes to ours, by model id.
    MODELS: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    #: Name of the django-q2 cluster that runs the rounds; empty: the default one.
    CLUSTER: str = ""
    #: Name of the django-q2 cluster that archives videos; empty: the one that runs the rounds.
    ARCHIVE_CLUSTER: str = ""
    #: How long a round runs before the next one takes over.
    ROUND_SECONDS: float = 80.0
    #: How often a running round looks for work.
    TICK_SECONDS: float = 2.0
    #: How many provider calls a worker makes side by side.
    THREADS: int = 8
    #: Largest result file that is archived.
    MAX_VIDEO_BYTES: int = 4 * 1024**3
    #: The only hosts videos are fetched from, ``.example.com`` for all below it; empty: any public one.
    DOWNLOAD_HOSTS: Sequence[str] = ()
    #: How long one download may take in all.
    DOWNLOAD_SECONDS: float = 540.0
    #: How long past the provider's own deadline a task may stay unfinished before it is flagged.
    OVERDUE_SECONDS: float = 3600.0
    #: How many days result files are kept after their task ended; 0: for ever.
    KEEP_VIDEOS_DAYS: float = 0
    #: How many days final tasks are kept, with all that belongs to them; 0: for ever.
    KEEP_TASKS_DAYS: float = 0
    #: How many days callbacks of final tasks are kept; 0: for ever.
    KEEP_CALLBACKS_DAYS: float = 30
    #: How many tasks one verb of the admin may pay for at a time.
    MAX_PAID_SELECTION: int = 1000
    #: Longest answer to ``?wait=`` and ``Prefer: wait``; 0: no request waits.
    MAX_WAIT_SECONDS: float = 20.0
    #: How many requests of one process may wait so at a time; the others are answered at once.
    MAX_WAITERS: int = 4
    #: Whether the REST API takes a provider's own id as ``draft_task``, which proves nothing about whose draft it is.
    ALLOW_PROVIDER_DRAFT_IDS: bool = False

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Self:
        """Build from ``SEEDANCE``; names that do not exist are left to ``checks``."""
        known = {f.name for f in fields(cls)}
        return cls(**{name: value for name, value in values.items() if name in known})


#: What a site may write, by name, for the system checks and ``docs/settings.md``.
SETTING_FIELDS = {f.name: f for f in fields(Settings)}
PROVIDER_FIELDS = {f.name: f for f in fields(Provider) if f.name != "alias"}
SETTING_NAMES = tuple(SETTING_FIELDS)
PROVIDER_NAMES = tuple(PROVIDER_FIELDS)


def settings() -> Settings:
    """The settings as they are now, so that ``override_settings`` is seen."""
    written = getattr(django_settings, "SEEDANCE", None)
    return Settings.from_dict(written if isinstance(written, Mapping) else {})


def of_django(name: str) -> Any:
    """One of Django's own settings as it is now."""
    return getattr(django_settings, name)


def provider(alias: str = "default") -> Provider:
    """The provider behind an alias.

    Raises:
        ConfigurationError: no such alias, or its preset or address is missing; says what to write.
    """
    written = settings().PROVIDERS.get(alias)
    if not isinstance(written, Mapping):
        raise ConfigurationError(
            f'SEEDANCE["PROVIDERS"] has no provider "{alias}". Add an entry of that name, or correct the name.'
        )
    preset = str(written.get("PRESET") or "")
    if preset not in PRESETS and (preset or "BASE_URL" not in written):
        raise ConfigurationError(
            f'SEEDANCE["PROVIDERS"]["{alias}"]["PRESET"] must be one of {", ".join(PRESETS)}, '
            'or give "BASE_URL" and "DIALECT" yourself.'
        )
    values = {**PRESETS.get(preset, {}), **written, "PRESET": preset}
    return Provider(alias=alias, **{name: value for name, value in values.items() if name in PROVIDER_NAMES})


def provider_aliases() -> list[str]:
    """All configured aliases, ``default`` first."""
    return sorted(settings().PROVIDERS, key=lambda alias: (alias != "default", alias))


def policy() -> Policy:
    """The policy of this site, as ``POLICY`` names it now.

    Raises:
        ConfigurationError: there is no such class.
    """
    path = settings().POLICY
    try:
        return import_string(path)()
    except (ImportError, TypeError) as exc:
        raise ConfigurationError(f'SEEDANCE["POLICY"]: "{path}" cannot be used ({exc}).') from exc


def result_storage() -> Storage:
    """The storage for videos and uploads, as a callable for ``FileField``."""
    return storages[settings().STORAGE]


def script_prefix() -> str:
    """The path that this site is mounted below, such as ``/portal``; empty for none.

    Django keeps it for each thread and sets it by the request, so in jobs ``FORCE_SCRIPT_NAME`` decides.
    """
    return (django_settings.FORCE_SCRIPT_NAME or get_script_prefix()).rstrip("/")
