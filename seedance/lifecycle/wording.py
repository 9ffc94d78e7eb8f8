"""How an exchange that went wrong is told on the timeline."""

from ..exceptions import ProviderError


def exchange(exc: ProviderError) -> str:
    """What was asked, what came back, and the beginning of the answer."""
    status = f" → HTTP {exc.status_code}" if exc.status_code else ""
    asked = f"{exc.method} {exc.path}{status}: " if exc.method else ""
    return f"{asked}{exc}" + (f"\n\n{exc.body}" if exc.body and exc.body not in str(exc) else "")
