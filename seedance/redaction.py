"""Keep what opens something out of logs: tokens of callbacks and signed keys of uploads, both parts of an address."""

import logging
import re
from typing import Any

#: Loggers that write down addresses: Django's own server and its errors, and the usual web servers.
LOGGERS = ("django.server", "django.request", "gunicorn.access", "uvicorn.access")

_REDACTED = "[redacted]"
#: ``callbacks/<token>/``, and ``media/<key>/`` with a key that Django signed; a colon may come as ``%3A``.
_SECRETS = re.compile(r"(/callbacks/)[\w-]{16,}|(/media/)\.?[\w-]+(?::|%3A)[\w-]+(?::|%3A)[\w-]+", re.IGNORECASE)


def redacted(text: str) -> str:
    """A text without the secrets that addresses of this app carry."""
    return _SECRETS.sub(lambda match: (match[1] or match[2]) + _REDACTED, text)


class RedactAddresses(logging.Filter):
    """Takes the secrets out of what a logger is about to write; for ``LOGGING``, on a logger or a handler."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Change the record; it is always written."""
        record.msg = _cleaned(record.msg)
        if isinstance(record.args, dict):
            for name, value in record.args.items():
                record.args[name] = _cleaned(value)
        elif isinstance(record.args, tuple):
            record.args = tuple(map(_cleaned, record.args))
        return True


def install() -> None:
    """Redact what the loggers of :data:`LOGGERS` write, once; their handlers and formats stay the site's own."""
    for name in LOGGERS:
        logger = logging.getLogger(name)
        if not any(isinstance(each, RedactAddresses) for each in logger.filters):
            logger.addFilter(RedactAddresses())


def _cleaned(value: Any) -> Any:
    return redacted(value) if isinstance(value, str) else value
