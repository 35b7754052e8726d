"""Asyncio EPICS Channel Access client on EPICS' own libca.

`caget`, `caput`, `connect` and `cainfo` are coroutine functions for one PV or a list of
them; `camonitor` subscribes. All of them work in the running event loop.

What the names stand for is imported when the first of them is used: asyncio, numpy and
epicscorelibs' binding of libca. The command ``aioca`` needs none of that.
"""

from __future__ import annotations

from aioca._libraries import module_named as _module_named
from aioca._libraries import share_libca as _share_libca

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from aioca._public import *

__version__ = "3.0.0"

__all__ = [
    "DBE_ALARM",
    "DBE_LOG",
    "DBE_PROPERTY",
    "DBE_VALUE",
    "DBR_CHAR",
    "DBR_CHAR_BYTES",
    "DBR_CHAR_STR",
    "DBR_CHAR_UNICODE",
    "DBR_CLASS_NAME",
    "DBR_DOUBLE",
    "DBR_ENUM",
    "DBR_ENUM_STR",
    "DBR_FLOAT",
    "DBR_LONG",
    "DBR_PUT_ACKS",
    "DBR_PUT_ACKT",
    "DBR_SHORT",
    "DBR_STRING",
    "DBR_STSACK_STRING",
    "FORMAT_CTRL",
    "FORMAT_FULL",
    "FORMAT_RAW",
    "FORMAT_TIME",
    "CADisconnected",
    "CAInfo",
    "CANothing",
    "CARefused",
    "Channel",
    "ChannelInfo",
    "ChannelState",
    "Subscription",
    "__version__",
    "ca_extra_fields",
    "caget",
    "cainfo",
    "camonitor",
    "caput",
    "connect",
    "get_channel",
    "get_channel_infos",
    "purge_channel_caches",
    "run",
    "types",
    "watch_channel",
]


# What programs find here as well, although nothing says so.
_MODULES = (
    *("types", "channel", "operations", "subscription", "native"),
    *("_catools", "_camonitor", "_contexts", "_epics", "_errors", "_search"),
)


def _load() -> None:
    """Imports everything, and leaves alone what a program has put here."""
    public = _module_named("aioca._public")
    for name in public.__all__:
        globals().setdefault(name, getattr(public, name))


def __getattr__(name: str) -> Any:
    # Modules of this package ask for each other here, so each is imported alone.
    if name in _MODULES:
        return _module_named(f"aioca.{name}")
    if name in __all__:
        _load()
        return globals()[name]
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    _load()
    return list(globals())


_share_libca()
