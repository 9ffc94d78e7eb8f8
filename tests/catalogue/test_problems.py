"""Problems read well, and every code is written down."""

import ast
from pathlib import Path

import pytest
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext_lazy

import seedance.catalogue
from seedance.catalogue.problems import Problem, Wording, errors

from .asking import documented_codes, problems

NOTING = {"refuse", "warn", "refuse_for_model", "note"}


def _written_codes():
    """Every string in the package that is the code of a problem: the second argument wherever one is noted."""
    calls = [
        node
        for path in Path(seedance.catalogue.__file__).parent.glob("*.py")
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.Call) and len(node.args) > 1
    ]
    noted = [call for call in calls if getattr(call.func, "attr", getattr(call.func, "id", "")) in {*NOTING, "Problem"}]
    named = [call for call in calls if getattr(call.func, "id", "") == "_accept_nearest"]
    return {call.args[1].value for call in [*noted, *named] if isinstance(call.args[1], ast.Constant)}


def test_every_code_is_documented_and_every_documented_code_exists():
    assert _written_codes() == set(documented_codes())


def test_sentence_is_put_together_when_it_is_read():
    wording = Wording(_("%(name)s is not %(what)s."), {"name": "A", "what": "B"})

    assert str(wording) == "A is not B."


@pytest.mark.parametrize(("count", "sentence"), [(1, "1 image"), (2, "2 images")])
def test_sentence_may_be_in_the_plural(count, sentence):
    wording = Wording(ngettext_lazy("%(count)s image", "%(count)s images", "count"), {"count": count})

    assert str(wording) == sentence


def test_percent_sign_in_a_value_is_left_alone():
    message = str(problems(prompt="A boat", ratio="100%s")[1].message)

    assert "100%s" in message


def test_problem_reads_as_message_and_cure():
    problem = Problem("ratio", "not_offered", Wording("Not that."), Wording("Write this."))

    assert str(problem) == "Not that. Write this."


def test_errors_leave_the_warnings_out():
    warning = Problem("seed", "may_be_ignored", Wording("Perhaps."), Wording("See."), "warning")
    error = Problem("seed", "out_of_range", Wording("No."), Wording("Write 1."))

    assert errors([warning, error]) == [error]
