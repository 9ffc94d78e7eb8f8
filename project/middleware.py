"""The header that tells browsers where a page's parts may come from."""

from collections.abc import Callable, Mapping, Sequence

from django.conf import settings
from django.http import HttpRequest, HttpResponse


def header_value(policy: Mapping[str, Sequence[str]]) -> str:
    """``{"img-src": ["'self'", "data:"]}`` as browsers read it."""
    return "; ".join(" ".join([directive, *sources]) for directive, sources in policy.items())


class ContentSecurityPolicyMiddleware:
    """Sends ``settings.CONTENT_SECURITY_POLICY``, unless a view has set a policy of its own."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Answer the request, and put the header on."""
        response = self.get_response(request)
        response.headers.setdefault("Content-Security-Policy", header_value(settings.CONTENT_SECURITY_POLICY))
        return response
