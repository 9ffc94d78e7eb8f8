"""Texts of the timeline and of flags: stored as a code with arguments, worded in the reader's language when shown.

Free text, such as a provider's answer, is stored as it is.
"""

import json
from typing import Any, Self

from django.db import models
from django.utils.translation import gettext, gettext_noop

#: Code -> template.
TEMPLATES = {
    "with_answer": gettext_noop("%(text)s\n\n%(answer)s"),
    "attention": gettext_noop("%(reason)s: %(detail)s"),
    "marked_as_seen": gettext_noop("Marked as seen: %(reason)s."),
    "lifted": gettext_noop("Lifted out of the prompt: %(parameters)s"),
    "continues": gettext_noop("Continues the video of %(task)s."),
    "continues_changed": gettext_noop("Continues the video of %(task)s. Not as before: %(names)s."),
    "draft": gettext_noop("Final video of the draft %(task)s."),
    "retried_for_owner": gettext_noop("Retried for its owner."),
    "edited": gettext_noop("The request was edited."),
    "cancel_requested": gettext_noop("Cancelling was asked for."),
    "cancel_too_late": gettext_noop("It was already running; it will finish and be billed."),
    "closed_as_lost": gettext_noop("Closed as lost by a person; it is not known whether it was billed."),
    "archive_again": gettext_noop("Archiving again was asked for."),
    "archive_again_flagged": gettext_noop("Archiving again was asked for. Flag before: %(reason)s."),
    "archived": gettext_noop("%(bytes)s bytes, sha256 %(sha256)s"),
    "files_pruned": gettext_noop("The result files were deleted; they were kept long enough."),
    "given_back": gettext_noop("Given back: the account has as many tasks at the provider as it may."),
    "accepted": gettext_noop("Accepted as %(id)s."),
    "id_taken": gettext_noop("The provider answered with an id that another task has: %(id)s"),
    "worker_died": gettext_noop("The worker that was sending it died; it is not known how far it came."),
    "key_renewed": gettext_noop("The API_KEY function was asked again; the task is sent with its new answer."),
    "rejected": gettext_noop("Refused before anything was started; nothing was billed."),
    "receiver_failed": gettext_noop("A receiver of task_submitting failed (%(error)s); nothing was sent."),
    "model_paused": gettext_noop("The model %(model)s is paused: %(reason)s"),
    "link_requested": gettext_noop("Asked to link it with %(id)s."),
    "found": gettext_noop("Found at the provider as %(id)s."),
    "link_not_found": gettext_noop("The provider does not know a task with the id %(id)s."),
    "link_postponed": gettext_noop("The provider could not be asked about %(id)s yet; a worker tries again."),
    "link_other_model": gettext_noop("The task %(id)s was made with another model, %(name)s."),
    "link_taken": gettext_noop("Another task has the id %(id)s already."),
    "resubmitted": gettext_noop("Resubmitted by a person, knowing that it may be billed twice."),
    "both": gettext_noop("%(first)s; %(second)s"),
    "length_differs": gettext_noop("asked for %(asked)s s, got %(got)s s"),
    "size_differs": gettext_noop("asked for %(asked)s, got %(got)s"),
    "no_last_frame": gettext_noop("No last frame: %(reason)s"),
    "stored_file_kept": gettext_noop("Not fetched again, the stored file is kept: %(reason)s"),
    "similar_tasks": gettext_noop("such tasks"),
    "slow": gettext_noop(
        "%(kind)s: %(count)s of the last %(total)s ended within %(usual)s; this one has taken %(so_far)s so far."
    ),
    "slow_without_history": gettext_noop(
        "%(kind)s: too few finished lately to know, %(limit)s should do; this one has taken %(so_far)s so far."
    ),
    "succeeded_after_all": gettext_noop("The provider calls it succeeded after all."),
}

#: Begins a stored code, so that no free text is taken for one.
_MARK = "\x1e"


class EventText(str):
    """A template with its arguments. As a string it is English; ``str()`` and templates word it for the reader."""

    code: str
    arguments: dict[str, Any]

    def __new__(cls, code: str, /, **arguments: Any) -> Self:
        """Arguments are texts, numbers, or other texts of this class."""
        plain = {name: str.__str__(value) if isinstance(value, str) else value for name, value in arguments.items()}
        made = super().__new__(cls, TEMPLATES[code] % plain)
        made.code, made.arguments = code, arguments
        return made

    def __str__(self) -> str:
        return gettext(TEMPLATES[self.code]) % self.arguments

    def __format__(self, spec: str) -> str:
        return format(str(self), spec)

    def __reduce__(self) -> Any:
        return _from_json, (self.to_json(),)

    def to_json(self) -> dict[str, Any]:
        """Code and arguments as JSON can hold them."""
        arguments = {
            name: value.to_json() if isinstance(value, EventText) else value for name, value in self.arguments.items()
        }
        return {"code": self.code, "arguments": arguments}


class EventTextField(models.TextField):
    """A column of free text, or of an ``EventText``."""

    def from_db_value(self, value: str | None, expression: Any, connection: Any) -> str | None:
        """The text, to be worded when it is shown. A code that this version does not know is shown as stored."""
        if not value or not value.startswith(_MARK):
            return value
        try:
            return _from_json(json.loads(value.removeprefix(_MARK)))
        except (ValueError, KeyError, TypeError):
            return value.removeprefix(_MARK)

    def get_prep_value(self, value: Any) -> Any:
        """What the database holds."""
        if isinstance(value, EventText):
            return _MARK + json.dumps(value.to_json(), sort_keys=True, default=str)
        return super().get_prep_value(value)


def _from_json(stored: dict[str, Any]) -> EventText:
    arguments = {
        name: _from_json(value) if isinstance(value, dict) else value for name, value in stored["arguments"].items()
    }
    return EventText(stored["code"], **arguments)
