"""What only low-level servers need, when they need it: numpy takes long to import."""

from __future__ import annotations

import functools
from types import ModuleType


@functools.cache
def gdds() -> ModuleType:
    """The module `gdd`."""
    from . import gdd

    return gdd
