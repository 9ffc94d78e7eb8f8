"""The rows. Imports nothing from ``provider/``: no network, no wire words."""

from .event import TaskEvent
from .lease import Lease
from .media import MediaItem
from .status import ACTIVE, FINAL, TRANSITIONS, Attention, Status
from .task import GenerationTask

__all__ = ["ACTIVE", "FINAL", "TRANSITIONS", "Attention", "GenerationTask", "Lease", "MediaItem", "Status", "TaskEvent"]
