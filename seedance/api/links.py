"""Addresses of our own endpoints, below whatever prefix and namespace the host included them."""

from django.urls import reverse
from rest_framework.request import Request


def path_to(request: Request, name: str, *args: object) -> str:
    """The path of an endpoint, as seen from the one that was asked."""
    match = request.resolver_match
    return reverse(f"seedance:{name}", args=args, current_app=match.namespace if match else None)


def link(request: Request, name: str, *args: object) -> str:
    """The absolute address of an endpoint, on the host that was asked."""
    return str(request.build_absolute_uri(path_to(request, name, *args)))
