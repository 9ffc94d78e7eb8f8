"""A local stand-in for the Seedance provider, shipped so that users can test their own code too.

It shares no code with the rest of the package: it is a second, independent reading of the provider's pages.
"""

from .emulator import Emulator
from .options import Options

__all__ = ["Emulator", "Options"]
