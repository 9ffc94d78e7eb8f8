"""The Content-Security-Policy header."""

from collections.abc import Callable, Mapping, Sequence

from django.conf import settings
from django.http import HttpRequest, HttpResponse


def header_value(policy: Mapping[str, Sequence[str]]) -> str:
    """``{"img-src": ["'self'", "data:"]}`` as a header value."""
    return "; ".join(" ".join([directive, *sources]) for directive, sources in policy.items())


class ContentSecurityPolicyMiddleware:
    """Add ``settings.CONTENT_SECURITY_POLICY`` to responses that have no policy of their own."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Set the header."""
        response = self.get_response(request)
        response.headers.setdefault("Content-Security-Policy", header_value(settings.CONTENT_SECURITY_POLICY))
        return response
