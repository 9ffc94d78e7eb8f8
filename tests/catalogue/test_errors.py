"""Every error has a meaning and a piece of advice, is found by its code, and stands in docs/errors.md."""

import re
from pathlib import Path

import pytest
from django.utils import translation

from scripts.error_texts import texts, with_tables
from seedance.catalogue import RULE_CODES, error_kinds, find_error, pause_scope

from .asking import documented_codes

DOCUMENT = Path(__file__).parents[2] / "docs" / "errors.md"
KINDS = error_kinds()
every_kind = pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)


def _documented():
    """Every line of the tables whose first cell is a list of codes, as cells."""
    lines = re.findall(r"^\| (`[^|]+) \|(.*)\|$", DOCUMENT.read_text("utf-8"), re.M)
    return [
        (tuple(re.findall(r"`([^`]+)`", first)), *(cell.strip() for cell in rest.split("|"))) for first, rest in lines
    ]


def _as_documented(kind):
    statuses = ", ".join(map(str, kind.statuses)) or "—"
    shown = f"**{statuses}**" if kind.default_for_status else statuses
    return (kind.codes, shown, kind.billed, kind.retry, str(kind.meaning), str(kind.advice))


def test_tables_of_the_document_are_generated():
    text = DOCUMENT.read_text("utf-8")

    assert with_tables(text) == text, "run python -m scripts.error_texts docs"


def test_generating_the_tables_repairs_them():
    text = DOCUMENT.read_text("utf-8")
    without_rows = re.sub(r"^\| `[A-Z].*\n", "", text, flags=re.M)

    assert without_rows != text
    assert with_tables(without_rows) == text


def test_every_text_of_the_data_is_collected_for_translation():
    collected = texts()

    assert {str(kind.meaning) for kind in KINDS} | {str(kind.advice) for kind in KINDS} <= set(collected)
    assert {str(cause.remedy) for kind in KINDS for cause in kind.causes} <= set(collected)


def test_document_has_the_table_word_for_word():
    assert _documented() == [_as_documented(kind) for kind in KINDS]


@every_kind
def test_kind_says_everything_in_sentences(kind):
    assert str(kind.meaning).endswith(".")
    assert str(kind.advice).endswith(".")


@every_kind
def test_kind_uses_known_words_only(kind):
    assert kind.billed in ("no", "yes", "unknown")
    assert kind.retry in ("no", "later", "operator")


@every_kind
def test_kind_is_found_by_each_of_its_codes(kind):
    assert [find_error(code) for code in kind.codes] == [kind] * len(kind.codes)


def test_no_code_and_no_status_has_two_kinds():
    codes = [code for kind in KINDS for code in kind.codes]
    statuses = [status for kind in KINDS if kind.default_for_status for status in kind.statuses]

    assert len(set(codes)) == len(codes)
    assert len(set(statuses)) == len(statuses)


def test_codes_of_the_rules_are_those_of_the_catalogue():
    documented = {code for code, severity in documented_codes().items() if severity != "warning"}

    assert documented == RULE_CODES


@pytest.mark.parametrize("code", sorted(RULE_CODES))
def test_code_of_a_rule_means_that_nothing_was_sent(code):
    assert (find_error(code).name, find_error(code).billed) == ("refused_by_rules", "no")


@pytest.mark.parametrize(
    ("code", "name"),
    [
        ("InvalidParameter.Duration", "InvalidParameter"),
        ("InvalidParameter.TaskTypeMismatch", "InvalidParameter.TaskTypeConstraint"),
        ("InvalidParameter.TosURLInvalid.Whatever", "InvalidParameter.TosURLInvalid"),
        ("InvalidImageURL.EmptyURL", "InvalidParameter.TosURLInvalid"),
        ("MissingParameter.content", "MissingParameter"),
        ("OperationDenied.SomethingNew", "OperationDenied"),
        ("OperationDenied.ServiceOverdue", "OperationDenied.ServiceOverdue"),
        ("NotFound.TaskId", "ResourceNotFound"),
        (
            "InputImageSensitiveContentDetected.PrivacyInformation",
            "InputTextSensitiveContentDetected.PrivacyInformation",
        ),
        ("InputAudioSensitiveContentDetected.Novelty", "InputTextSensitiveContentDetected"),
        ("OutputVideoSensitiveContentDetected.DeepFake", "OutputTextSensitiveContentDetected.DeepFake"),
        ("SensitiveContentDetected.Violence", "SensitiveContentDetected.Violence"),
    ],
)
def test_longest_known_beginning_of_a_code_decides(code, name):
    assert find_error(code).name == name


@pytest.mark.parametrize("code", ["InvalidParameterised", "Input", "NotFoundAtAll.InvalidParameter", ".", "..."])
def test_only_a_dot_parts_a_code(code):
    assert str(find_error(code).meaning).startswith("Nobody has written down")


@pytest.mark.parametrize(
    ("code", "status", "name"),
    [
        ("http_401", None, "AuthenticationError"),
        ("", 401, "AuthenticationError"),
        ("http_403", None, "http_403"),
        ("", 403, "http_403"),
        ("", 301, "redirect"),
        ("http_404", None, "http_404"),
        ("http_413", None, "RequestBodyTooLarge"),
        ("", 429, "RateLimitExceeded"),
        ("http_451", None, "fail_to_fetch_task"),
        ("http_500", None, "InternalServiceError"),
        ("http_524", None, "InternalServiceError"),
        ("invalid_request", 500, "invalid_request"),
        ("model_not_found", 503, "model_not_found"),
        ("task_not_exist", 400, "task_not_exist"),
    ],
)
def test_status_decides_where_there_is_no_code(code, status, name):
    assert find_error(code, status).name == name


@pytest.mark.parametrize(
    ("code", "status", "billed", "retry"),
    [
        ("Novelty", 400, "no", "no"),
        ("Novelty", 401, "no", "operator"),
        ("Novelty", 403, "no", "operator"),
        ("Novelty", 408, "unknown", "later"),
        ("Novelty", 429, "no", "later"),
        ("Novelty", 500, "unknown", "later"),
        ("http_418", None, "no", "no"),
        ("Novelty", None, "unknown", "operator"),
        ("", None, "unknown", "operator"),
    ],
)
def test_unknown_error_says_so_and_retries_by_its_status(code, status, billed, retry):
    kind = find_error(code, status)

    assert kind.codes == (code,)
    assert (kind.billed, kind.retry) == (billed, retry)


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("http_400", "invalid character 'm' looking for beginning of value (request id: 0217)"),
        ("", "json: unexpected end of JSON input"),
    ],
)
def test_relay_that_cannot_read_json_leads_to_its_other_route(code, message):
    kind = find_error(code, 400, message)

    assert kind.name == "json_parse_error"
    assert "cometapi-videos" in str(kind.advice)


def test_model_without_a_price_is_known_by_the_message():
    kind = find_error("http_400", message="This model has not been priced by the administrator yet")

    assert kind.name == "model_not_priced"


def test_message_is_not_looked_at_where_there_is_a_code():
    kind = find_error("InvalidParameter", 400, "looking for beginning of value")

    assert kind.name == "InvalidParameter"


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind.pauses != "none"], ids=lambda kind: kind.name)
def test_kind_that_pauses_something_calls_for_an_operator(kind):
    assert kind.retry == "operator"


def test_document_names_what_pauses_an_account_and_what_a_model():
    rows = re.findall(r"^\| (account|model) \| (.+) \|$", DOCUMENT.read_text("utf-8"), re.M)

    documented = {what: re.findall(r"`([^`]+)`", codes) for what, codes in rows}

    assert documented == {
        what: [code for kind in KINDS if kind.pauses == what for code in kind.codes] for what in ("account", "model")
    }


MODEL = "doubao-seedance-1-0-pro-250528"


@pytest.mark.parametrize(
    ("code", "status", "message", "what"),
    [
        ("AuthenticationError", 401, "bad key", "account"),
        ("InvalidParameter", 401, "bad key", "account"),
        ("AccountOverdueError", 403, "pay", "account"),
        ("OperationDenied.ServiceOverdue", 403, "pay", "account"),
        ("insufficient_user_quota", 403, f"balance too low for model {MODEL}", "account"),
        ("pre_consume_token_quota_failed", 403, "balance too low", "account"),
        ("SetLimitExceeded", 429, "limit reached", "account"),
        ("QuotaExceeded", 429, "free quota used up", "account"),
        ("QuotaExceeded", 429, "too many queued tasks", "none"),
        ("http_403", 403, "Forbidden", "account"),
        ("http_403", 403, "insufficient balance to call this model", "account"),
        ("http_403", 403, f"no access to {MODEL}", "model"),
        ("Novelty", 403, "no", "account"),
        ("Novelty", 403, "This token may not use the model", "model"),
        ("AccessDenied", 403, "no access", "model"),
        ("OperationDenied.PermissionDenied", 403, "no", "model"),
        ("OperationDenied.ServiceNotOpen", 403, "no", "model"),
        ("OperationDenied.InvalidState", 403, "no", "model"),
        ("OperationDenied.UnsupportedPhase", 403, "no", "model"),
        ("OperationDenied.FileQuotaExceeded", 403, "no", "model"),
        ("permission_denied", 403, f"This token has no access to model {MODEL}", "model"),
        ("ModelNotOpen", 404, "activate it", "model"),
        ("InvalidEndpointOrModel.NotFound", 404, "no such model", "none"),
        ("http_404", 404, "", "none"),
        ("InvalidParameter", 400, "the model does not take it", "none"),
        ("Novelty", 400, "the model", "none"),
    ],
)
def test_refusal_pauses_what_it_is_about(code, status, message, what):
    assert pause_scope(code, status, message, model_name=MODEL) == what


@pytest.mark.parametrize(("message", "what"), [("no access to the resource", "none"), (f"{MODEL} is closed", "model")])
def test_refusal_of_what_a_task_refers_to_does_not_pause_the_model(message, what):
    assert pause_scope("AccessDenied", 403, message, model_name=MODEL, refers_to_provider=True) == what


@every_kind
def test_text_is_translated_when_it_is_read(kind):
    with translation.override("en"):
        assert str(kind.meaning) and str(kind.advice)
    assert not isinstance(kind.meaning, str)


@pytest.mark.parametrize(
    ("code", "status", "billed", "retry"),
    [
        ("insufficient_user_quota", 403, "no", "operator"),
        ("pre_consume_token_quota_failed", 403, "no", "operator"),
        ("permission_denied", 403, "no", "operator"),
        ("convert_request_failed", 500, "no", "no"),
        ("get_channel_failed", 503, "no", "later"),
        ("do_request_failed", 500, "unknown", "later"),
        ("bad_response_status_code", 502, "unknown", "later"),
        ("ServiceOverdue", 403, "no", "operator"),
        ("OperationDenied.FileQuotaExceeded", 403, "no", "operator"),
        ("FlowLimitExceeded", 429, "no", "later"),
        ("InternalError", 500, "unknown", "later"),
        ("InternalServiceTimeout", 504, "unknown", "later"),
        ("ServiceUnavailableTemp", 503, "unknown", "later"),
    ],
)
def test_code_of_a_relay_or_a_gateway_is_known_by_its_name(code, status, billed, retry):
    kind = find_error(code, status)

    assert not str(kind.meaning).startswith("Nobody has written down")
    assert (kind.billed, kind.retry) == (billed, retry)


def test_empty_balance_at_a_relay_says_to_top_up():
    kind = find_error("insufficient_user_quota", 403)

    assert "balance" in str(kind.meaning)
    assert "Top up" in str(kind.advice)


def test_causes_of_a_copyright_refusal_are_in_the_providers_order_and_in_the_document():
    causes = find_error("OutputVideoSensitiveContentDetected.PolicyViolation").causes

    listed = [f"{number}. {cause.meaning} {cause.remedy}" for number, cause in enumerate(causes, 1)]
    assert [cause.name for cause in causes] == ["named", "music", "invented_face", "small_face"]
    assert "\n".join(listed) in DOCUMENT.read_text("utf-8")


def test_too_many_at_once_names_both_cures():
    advice = str(find_error("InflightBatchsizeExceeded").advice)

    assert "MAX_ACTIVE" in advice
    assert "top up" in advice
