"""Portable EPICS Channel Access server for Python.

A program makes a `SimpleServer`, gives it the PVs of a pvdb dict, makes a `Driver`
subclass that reads and writes them, and calls ``server.process(0.1)`` in a loop.
"""

from __future__ import annotations

from . import _libcom  # isort: skip  # noqa: F401  (before the engine)
from . import alarm, cas, driver
from ._version import __version__, version_info
from .alarm import Alarm, Severity
from .driver import Driver, PVInfo, SimplePV, SimpleServer, current_client

TYPE_CHECKING = False  # typing takes long to import
if TYPE_CHECKING:
    from typing import Any

    from .host.option_types import Limits
    from .putlog.options import PutLog

__all__ = [
    "Alarm",
    "Driver",
    "Limits",
    "PVInfo",
    "PutLog",
    "Severity",
    "SimplePV",
    "SimpleServer",
    "__version__",
    "alarm",
    "cas",
    "current_client",
    "driver",
    "version_info",
]


def __getattr__(name: str) -> Any:
    """What few programs use is imported when they do."""
    if name == "PutLog":
        from .putlog.options import PutLog

        return PutLog
    if name == "Limits":
        from .host.option_types import Limits

        return Limits
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
