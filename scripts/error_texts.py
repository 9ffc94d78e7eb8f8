"""What is generated from ``seedance/catalogue/errors.toml``.

Run it from the top directory::

    python -m scripts.error_texts docs      # write the tables of docs/errors.md
    python -m scripts.error_texts gettext   # print the texts as Python, for makemessages, which does not read TOML
"""

import re
import sys
from collections.abc import Iterator
from pathlib import Path

from seedance.catalogue import ErrorKind, error_kinds

DOCUMENT = Path(__file__).resolve().parent.parent / "docs" / "errors.md"

#: Heading in docs/errors.md by section of errors.toml.
HEADINGS = {
    "request": "The request",
    "moderation": "Moderation",
    "account": "The account",
    "model": "The model",
    "task": "The task",
    "rate_limit": "Rate limits",
    "service": "Failures of the provider",
    "own": "Errors of this app",
}
_HEAD = "| code | HTTP | billed | retry | meaning | what to do |\n|---|---|---|---|---|---|\n"


def table(section: str) -> str:
    """The Markdown table of one section."""
    return _HEAD + "".join(f"{_row(kind)}\n" for kind in error_kinds() if kind.section == section)


def with_tables(document: str) -> str:
    """The text of docs/errors.md with its tables of kinds and of pauses as the data has them."""
    for section, heading in HEADINGS.items():
        document = re.sub(rf"(?<=^## {heading}\n\n)(\|.*\n)*", lambda _m, s=section: table(s), document, flags=re.M)
    for scope in ("account", "model"):
        codes = _listed(code for kind in error_kinds() if kind.pauses == scope for code in kind.codes)
        document = re.sub(rf"(?<=^\| {scope} \| ).+(?= \|$)", lambda _m, c=codes: c, document, flags=re.M)
    return document


def texts() -> list[str]:
    """Every sentence to translate, each once."""
    found = []
    for kind in error_kinds():
        found += [kind.meaning, kind.advice]
        found += [text for cause in kind.causes for text in (cause.meaning, cause.remedy)]
    return list(dict.fromkeys(map(str, found)))


def _row(kind: ErrorKind) -> str:
    statuses = ", ".join(map(str, kind.statuses)) or "—"
    shown = f"**{statuses}**" if kind.default_for_status else statuses
    return f"| {_listed(kind.codes)} | {shown} | {kind.billed} | {kind.retry} | {kind.meaning} | {kind.advice} |"


def _listed(codes: Iterator[str] | tuple[str, ...]) -> str:
    return ", ".join(f"`{code}`" for code in codes)


if __name__ == "__main__":
    from django.conf import settings

    settings.configure(USE_I18N=False)
    if sys.argv[1:] == ["docs"]:
        DOCUMENT.write_text(with_tables(DOCUMENT.read_text("utf-8")), "utf-8")
    elif sys.argv[1:] == ["gettext"]:
        print("from django.utils.translation import gettext as _\n")
        print("\n".join(f"_({text!r})" for text in texts()))
    else:
        sys.exit(__doc__)
