"""One step of one task: the network and the row together. Never enqueues, never loops over the world.

Every verb is safe to be run twice or side by side: rows move by conditional updates, and the one call that
costs money is only made by whoever holds the claim on the row.
"""

from .archiving import archive, claim_archivable
from .clients import get_client
from .doorbell import ring
from .looking import apply, claim_due, look_again, look_again_later, poll, poll_many
from .sending import claim, mark_abandoned, mark_paused, next_in_turn, submit
from .settling import adopt, claim_doubtful, release, request_link, settle

__all__ = [
    "adopt",
    "apply",
    "archive",
    "claim",
    "claim_archivable",
    "claim_doubtful",
    "claim_due",
    "get_client",
    "look_again",
    "look_again_later",
    "mark_abandoned",
    "mark_paused",
    "next_in_turn",
    "poll",
    "poll_many",
    "release",
    "request_link",
    "ring",
    "settle",
    "submit",
]
