"""Keep secrets in URLs out of logs: callback tokens and the signed keys of uploads."""

import logging
import re
from typing import Any

#: Loggers that write URLs: of Django and of common web servers.
LOGGERS = ("django.server", "django.request", "gunicorn.access", "uvicorn.access")

_REDACTED = "[redacted]"
#: ``callbacks/<token>/``, and ``media/<key>/`` with a key that Django signed; a colon may be encoded as ``%3A``.
_SECRETS = re.compile(r"(/callbacks/)[\w-]{16,}|(/media/)\.?[\w-]+(?::|%3A)[\w-]+(?::|%3A)[\w-]+", re.IGNORECASE)


def redacted(text: str) -> str:
    """The text without the secrets in URLs of this app."""
    return _SECRETS.sub(lambda match: (match[1] or match[2]) + _REDACTED, text)


class RedactAddresses(logging.Filter):
    """Logging filter that removes secrets; for ``LOGGING``, on a logger or a handler."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Redact the record; it is never dropped."""
        record.msg = _cleaned(record.msg)
        if isinstance(record.args, dict):
            for name, value in record.args.items():
                record.args[name] = _cleaned(value)
        elif isinstance(record.args, tuple):
            record.args = tuple(map(_cleaned, record.args))
        return True


def install() -> None:
    """Add the filter to every logger in :data:`LOGGERS`, once. The site keeps its own handlers and formats."""
    for name in LOGGERS:
        logger = logging.getLogger(name)
        if not any(isinstance(each, RedactAddresses) for each in logger.filters):
            logger.addFilter(RedactAddresses())


def _cleaned(value: Any) -> Any:
    return redacted(value) if isinstance(value, str) else value
