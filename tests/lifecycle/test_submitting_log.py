"""A failed create is logged with codes and ids, without its content."""

import logging

import pytest

from ..conftest import SAMPLE_PROMPT

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("status", "code", "event"),
    [(400, "InvalidParameter", "create refused"), (429, "RateLimitExceeded", "create postponed")],
)
def test_create_that_does_not_go_through_is_logged(provider, sent, caplog, status, code, event):
    provider.fail_next(status, code=code)

    with caplog.at_level(logging.WARNING, "seedance"):
        task = sent()

    line = next(record.getMessage() for record in caplog.records if record.getMessage().startswith(event))
    assert f"task={task.pk}" in line
    assert SAMPLE_PROMPT not in caplog.text


def test_refused_create_is_logged_with_the_provider_s_code(provider, sent, caplog):
    provider.fail_next(400, code="InvalidParameter")

    with caplog.at_level(logging.WARNING, "seedance"):
        sent()

    assert "code='InvalidParameter'" in caplog.text
