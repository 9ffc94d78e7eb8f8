"""Token authentication with the keyword that most API clients send."""

from rest_framework.authentication import TokenAuthentication


class BearerAuthentication(TokenAuthentication):
    """``Authorization: Bearer <token>``, with the tokens of ``rest_framework.authtoken``."""

    keyword = "Bearer"
