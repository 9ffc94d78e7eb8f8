"""The pages for operators. No page speaks to the provider: they change rows and wake workers."""

from .account import AccountAdmin, ModelPauseAdmin
from .callback import CallbackAdmin
from .task import GenerationTaskAdmin

__all__ = ["AccountAdmin", "CallbackAdmin", "GenerationTaskAdmin", "ModelPauseAdmin"]
