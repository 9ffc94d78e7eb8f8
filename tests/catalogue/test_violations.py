"""Problems read well, and every code is written down."""

import ast
from pathlib import Path

import pytest
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext_lazy

import seedance.catalogue
from seedance.catalogue import LazyMessage, Violation, only_errors

from .asking import documented_codes, violations

NOTING = {"add_error", "add_warning", "add_model_error", "note"}


def _written_codes():
    """Every string in the package that is the code of a problem: the second argument wherever one is noted."""
    calls = [
        node
        for path in Path(seedance.catalogue.__file__).parent.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.Call) and len(node.args) > 1
    ]
    noted = [
        call for call in calls if getattr(call.func, "attr", getattr(call.func, "id", "")) in {*NOTING, "Violation"}
    ]
    named = [call for call in calls if getattr(call.func, "id", "") == "_accept_nearest"]
    return {call.args[1].value for call in [*noted, *named] if isinstance(call.args[1], ast.Constant)}


def test_every_code_is_documented_and_every_documented_code_exists():
    assert _written_codes() == set(documented_codes())


def test_sentence_is_put_together_when_it_is_read():
    wording = LazyMessage(_("%(name)s is not %(what)s."), {"name": "A", "what": "B"})

    assert str(wording) == "A is not B."


@pytest.mark.parametrize(("count", "sentence"), [(1, "1 image"), (2, "2 images")])
def test_sentence_may_be_in_the_plural(count, sentence):
    wording = LazyMessage(ngettext_lazy("%(count)s image", "%(count)s images", "count"), {"count": count})

    assert str(wording) == sentence


def test_percent_sign_in_a_value_is_left_alone():
    message = str(violations(prompt="A boat", ratio="100%s")[1].message)

    assert "100%s" in message


def test_problem_reads_as_message_and_cure():
    violation = Violation("ratio", "not_offered", LazyMessage("Not that."), LazyMessage("Write this."))

    assert str(violation) == "Not that. Write this."


def test_errors_leave_the_warnings_out():
    warning = Violation("seed", "may_be_ignored", LazyMessage("Perhaps."), LazyMessage("See."), "warning")
    error = Violation("seed", "out_of_range", LazyMessage("No."), LazyMessage("Write 1."))

    assert only_errors([warning, error]) == [error]
