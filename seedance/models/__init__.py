"""The rows. Imports nothing from ``provider/``: no network, no wire words."""

from .account import Account, RateLimit
from .callback import Callback
from .cost import Charged
from .event import Cause, TaskEvent
from .lease import Lease
from .media import MediaItem
from .model_pause import ModelPause
from .status import ACTIVE, FINAL, TRANSITIONS, Attention, Status
from .task import GenerationTask
from .transitions import Transition

__all__ = [
    "ACTIVE",
    "FINAL",
    "TRANSITIONS",
    "Account",
    "Attention",
    "Callback",
    "Cause",
    "Charged",
    "GenerationTask",
    "Lease",
    "MediaItem",
    "ModelPause",
    "RateLimit",
    "Status",
    "TaskEvent",
    "Transition",
]
