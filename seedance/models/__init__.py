"""Django models. They import nothing from ``provider/``."""

from .account import Account, ModelPause, RateLimit
from .callback import Callback
from .cost import Charged
from .event import Cause, TaskEvent
from .event_text import EventText
from .lease import Lease
from .media import MediaItem
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
    "EventText",
    "GenerationTask",
    "Lease",
    "MediaItem",
    "ModelPause",
    "RateLimit",
    "Status",
    "TaskEvent",
    "Transition",
]
