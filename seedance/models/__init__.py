"""The rows. Imports nothing from ``provider/``: no network, no wire words."""

from .account import Account, Pace
from .callback import Callback
from .event import TaskEvent
from .lease import Lease
from .media import MediaItem
from .model_pause import ModelPause
from .moving import Move
from .status import ACTIVE, FINAL, TRANSITIONS, Attention, Status
from .task import GenerationTask

__all__ = [
    "ACTIVE",
    "FINAL",
    "TRANSITIONS",
    "Account",
    "Attention",
    "Callback",
    "GenerationTask",
    "Lease",
    "MediaItem",
    "ModelPause",
    "Move",
    "Pace",
    "Status",
    "TaskEvent",
]
