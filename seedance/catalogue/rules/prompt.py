"""Rules about the prompt: whether there is one, inline flags in it, and its length."""

from __future__ import annotations

import re

from django.utils.translation import gettext_lazy as _

from .. import flags
from ..review import Review, listed

#: The provider's advice; longer prompts are accepted. Source: Ark 1520757 (create a task), read 2026-11-22.
_MOST_WORDS = 1000
_MOST_CHINESE = 500

#: How many flags a message names at most.
_MOST_NAMED = 5

_CHINESE = re.compile(r"[\u3400-\u9fff\uf900-\ufaff]")


def check_prompt(review: Review) -> None:
    """Every rule about the prompt. The final video of a draft has none of its own."""
    prompt = review.inputs.prompt
    if review.inputs.draft_task_id:
        _check_inherited(review, prompt)
        return
    if not flags.without_flags(prompt):
        _check_absence(review, prompt)
    _check_flags(review, prompt)
    _check_length(review, prompt)


def _check_inherited(review: Review, prompt: str) -> None:
    if prompt:
        review.add_error(
            "prompt",
            "inherited",
            _("The final video of a draft takes the prompt from its draft and allows none of its own."),
            _("Leave the prompt empty."),
            suggest=[""],
        )


def _check_absence(review: Review, prompt: str) -> None:
    kinds = {medium.kind for medium in review.inputs.media}
    if review.host.dialect == "openai_video" or not kinds - {"audio"}:
        review.add_error(
            "prompt",
            "prompt_required",
            _("This request needs a prompt; only images and videos can stand without, and not everywhere."),
            _("Describe what should be seen."),
        )
    elif prompt and not prompt.strip():
        review.add_error(
            "prompt",
            "prompt_blank",
            _("The prompt holds nothing but white space; it may be a description or empty."),
            _("Describe what should be seen, or leave the prompt empty."),
            suggest=[""],
        )


def _check_flags(review: Review, prompt: str) -> None:
    found = list(dict.fromkeys(flags.recognised(prompt)))[:_MOST_NAMED]
    if found:
        review.add_error(
            "prompt",
            "inline_flag",
            _("The prompt still holds %(found)s, which the provider would read as a parameter."),
            _("Set the parameter in its own field and remove it from the prompt."),
            found=listed(found),
        )


def _check_length(review: Review, prompt: str) -> None:
    if len(_CHINESE.findall(prompt)) > _MOST_CHINESE or len(prompt.split()) > _MOST_WORDS:
        review.add_warning(
            "prompt",
            "prompt_long",
            _("Prompts of up to %(chinese)s Chinese characters or %(words)s English words are advised."),
            _("Shorten the prompt, because details of a long one may be lost."),
            chinese=_MOST_CHINESE,
            words=_MOST_WORDS,
        )
