"""The steps of one task, each a provider call and the row it is written to. Never enqueues, never loops over all tasks.

Every verb may run twice or concurrently: rows change by conditional updates, and the one call that costs money is only
made by the holder of the claim on the row.
"""

from .archiving import archive, claim_archivable
from .callbacks import receive_callback
from .cancelling import cancel
from .clients import get_client
from .polling import back_off, claim_due_polls, poll, poll_many, reschedule, update
from .reconciling import claim_unconfirmed, link_provider_task, reconcile, request_link, resubmit
from .submitting import claim, mark_abandoned, mark_paused, next_to_dispatch, submit

__all__ = [
    "archive",
    "back_off",
    "cancel",
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
    "update",
]
