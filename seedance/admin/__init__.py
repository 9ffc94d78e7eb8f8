"""The admin for operators. Its pages change rows and wake workers; only workers call the provider."""

from .records import AccountAdmin, CallbackAdmin, ModelPauseAdmin
from .task import GenerationTaskAdmin

__all__ = ["AccountAdmin", "CallbackAdmin", "GenerationTaskAdmin", "ModelPauseAdmin"]
