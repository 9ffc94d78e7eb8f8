"""The pages for operators. No page speaks to the provider: they change rows and wake workers."""

from .task import GenerationTaskAdmin

__all__ = ["GenerationTaskAdmin"]
