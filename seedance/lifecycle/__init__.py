"""One step of one task: the network and the row together. Never enqueues, never loops over the world.

Every verb is safe to be run twice or side by side: rows move by conditional updates, and the one call that
costs money is only made by whoever holds the claim on the row.
"""

from .archiving import archive, claim_archivable
from .callbacks import receive_callback
from .clients import get_client
from .polling import apply, back_off, claim_due_polls, poll, poll_many, reschedule
from .reconciling import claim_unconfirmed, link_provider_task, reconcile, request_link, resubmit
from .submitting import claim, mark_abandoned, mark_paused, next_to_dispatch, submit

__all__ = [
    "apply",
    "archive",
    "back_off",
    "claim",
    "claim_archivable",
    "claim_due_polls",
    "claim_unconfirmed",
    "get_client",
    "link_provider_task",
    "mark_abandoned",
    "mark_paused",
    "next_to_dispatch",
    "poll",
    "poll_many",
    "receive_callback",
    "reconcile",
    "request_link",
    "reschedule",
    "resubmit",
    "submit",
]
