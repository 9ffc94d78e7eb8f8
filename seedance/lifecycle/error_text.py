"""How an exchange that went wrong is told on the timeline."""

from ..catalogue import find_error
from ..exceptions import ProviderError


def describe_exchange(exc: ProviderError) -> str:
    """What was asked, what came back, and the beginning of the answer."""
    status = f" → HTTP {exc.status_code}" if exc.status_code else ""
    asked = f"{exc.method} {exc.path}{status}: " if exc.method else ""
    return f"{asked}{exc}" + (f"\n\n{exc.body}" if exc.body and exc.body not in str(exc) else "")


def error_code_of(exc: ProviderError) -> str:
    """The provider's code; where it gave none, the name of what its message or HTTP status means."""
    if exc.code:
        return exc.code
    kind = find_error("", exc.status_code, str(exc))
    return kind.name if kind.is_known and not kind.default_for_status else f"http_{exc.status_code}"
