"""One generation task, as the provider would hold it."""

from __future__ import annotations

import secrets
import string
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from .faults import Armed
from .task_spec import TaskSpec

FINAL = frozenset({"succeeded", "failed", "expired", "cancelled"})
_CHINA = 8 * 3600
_LOWER = string.ascii_lowercase + string.digits
_ALNUM = string.ascii_letters + string.digits


@dataclass(frozen=True, slots=True)
class Step:
    """The next status and the seconds until it comes."""

    seconds: float
    status: str


@dataclass(slots=True, eq=False)
class Task:
    """A task and its fate.

    Attributes:
        id: as handed out; its shape tells the host flavour.
        flavour: which API made it and alone knows it: `ark`, `volc` or `videos`.
        status: as shown to the app; any word after `set_status`.
        created_at, updated_at: Unix seconds.
        history: every status with the moment it began.
        error: `(code, message)` of a failed task.
        behaviours: faults that belong to this task for life, by name.
        faults: transport faults, waiting for requests about this task.
    """

    id: str
    flavour: str
    spec: TaskSpec
    key: str
    created_at: float
    status: str = "queued"
    updated_at: float = 0.0
    error: tuple[str, str] | None = None
    seed: int = 0
    steps: list[Step] = field(default_factory=list)
    history: list[tuple[str, float]] = field(default_factory=list)
    behaviours: dict[str, Mapping[str, Any]] = field(default_factory=dict)
    faults: list[Armed] = field(default_factory=list)
    #: Rises whenever what was planned for this task no longer holds.
    version: int = 0
    running_slot: bool = False
    downloads: int = 0
    #: Times the finished task was shown, and the status last shown.
    final_shown: int = 0
    shown_status: str = ""

    def __post_init__(self) -> None:
        self.updated_at = self.updated_at or self.created_at
        self.seed = self.spec.seed if self.spec.seed >= 0 else secrets.randbelow(2**31)
        self.history.append((self.status, self.created_at))

    @property
    def model(self) -> str:
        return self.spec.model_id

    @property
    def prompt(self) -> str:
        return self.spec.prompt

    @property
    def is_final(self) -> bool:
        return self.status in FINAL

    def still_has(self, behaviour: str) -> bool:
        """Whether a fault of the finished task holds: for good, or for its first `gets` queries."""
        if behaviour not in self.behaviours:
            return False
        gets = self.behaviours[behaviour].get("gets")
        return gets is None or self.final_shown <= int(gets)

    def as_dict(self) -> dict[str, Any]:
        """A JSON-ready summary for the control routes."""
        return {
            "id": self.id,
            "flavour": self.flavour,
            "model": self.model,
            "status": self.status,
            "prompt": self.prompt,
            "created_at": self.created_at,
            "updated_at": self.updated_at,
            "error": self.error,
            "history": self.history,
            "behaviours": sorted(self.behaviours),
            "downloads": self.downloads,
        }


@dataclass(frozen=True, slots=True)
class Create:
    """One accepted, hence paid, create call."""

    id: str
    model: str
    prompt: str
    #: The request's fields besides model and content (or prompt), as sent.
    parameters: dict[str, Any]
    body: Any

    def as_dict(self) -> dict[str, Any]:
        return {"id": self.id, "model": self.model, "prompt": self.prompt, "parameters": self.parameters}


def new_task_id(flavour: str, now: float, service_tier: str = "default") -> str:
    """A fresh id as that API gives them."""
    if flavour == "volc":
        return f"02{int(now * 1000):013d}{secrets.token_hex(8)}"
    if flavour == "videos":
        return "task_" + _random(_ALNUM, 32)
    moment = time.strftime("%Y%m%d%H%M%S", time.gmtime(now + _CHINA))
    batch = "batch-" if service_tier == "flex" else ""
    return f"cgt-{batch}{moment}-{_random(_LOWER, 5)}"


def _random(alphabet: str, length: int) -> str:
    return "".join(secrets.choice(alphabet) for _ in range(length))
