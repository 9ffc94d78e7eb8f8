"""`python -m seedance.emulator`: the local provider by itself."""

from __future__ import annotations

from .cli import main

if __name__ == "__main__":
    raise SystemExit(main())
