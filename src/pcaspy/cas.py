"""The low-level layer of pcaspy: PVs and servers without drivers.

A subclass of `caServer` decides in `pvExistTest` which names exist and returns a PV for
each in `pvAttach`. A subclass of `casPV` answers gets in `getValue`, handles puts in
`write` and sends updates with `postEvent`. Values are `gdd` objects. `process()` calls
all methods in its thread.
"""

from __future__ import annotations

import collections
import sys
import time
import warnings
import weakref
from collections.abc import Callable, Sequence

from .host import access
from .host.lifetime import open_hosts
from .lowlevel import casdef
from .lowlevel.casdef import *  # noqa: F403
from .lowlevel.casdef import S_casApp_success
from .lowlevel.client import (
    caNetAddr,
    casChannel,
    casClientInfo,
    client_of,
    client_of_task,
    current_client,
)
from .lowlevel.lazy import gdds
from .lowlevel.pv import PV, casPV
from .lowlevel.server import LowLevelHost, LowLevelServer
from .native._time import epicsTimeStamp
from .served.registry import last, last_server
from .served.requests import DriverDispatcher

TYPE_CHECKING = False  # typing takes long to import
if TYPE_CHECKING:
    from typing import Any, ClassVar

    from .lowlevel.gdd import gdd

__all__ = [
    "PV",
    "asCaStart",
    "asCaStop",
    "asInitFile",
    "caNetAddr",
    "caServer",
    "casChannel",
    "casClientInfo",
    "casPV",
    "client_of",
    "client_of_task",
    "collections",
    "current_client",
    "epicsTimeStamp",
    "gdd",
    "is_sequence",
    "process",
    "str2char",
    "sys",
    "warnings",
    "weakref",
    *(
        name
        for name in vars(casdef)
        if not name.startswith("_") and name != "annotations"
    ),
]

# As the variable of that name in an IOC: rules know clients by the address of their
# socket instead of the host name that they claim. Counts when a file is loaded.
asCheckClientIP = False


def __getattr__(name: str) -> Any:
    if name != "gdd":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    globals()["gdd"] = kind = gdds().gdd
    return kind


def __dir__() -> list[str]:
    return sorted({*globals(), "gdd"})


class _Host(LowLevelHost):
    """Asks drivers, too: `pvAttach` may give a `SimplePV`."""

    dispatcher_kind = DriverDispatcher


class caServer(LowLevelServer):
    """A server whose PVs are found and made by `pvExistTest` and `pvAttach`.

    It begins to serve with the first `process()`, `start()` or ``with`` block.

    Args:
        pvCountEstimate: Not used.
        options: As for `SimpleServer`.
    """

    _pcaspy_host: ClassVar[Callable[..., Any]] = _Host


def is_sequence(x: Any) -> bool:
    """True for lists, tuples, text and other sequences; not for arrays."""
    return isinstance(x, Sequence)


def str2char(x: Any) -> bytes:
    """The bytes of ``str(x)``, as a PV of type char holds them."""
    return str(x).encode("utf-8", "surrogateescape")


def process(delay: float) -> None:
    """Handles requests for `delay` seconds.

    Those of all low-level servers and of the `SimpleServer` created last.
    """
    turns = [host.turn for host in open_hosts() if isinstance(host, LowLevelHost)]
    if last_server() is not None:
        turns.append(last().process)
    if len(turns) == 1:
        turns[0](delay)
        return
    end = time.monotonic() + delay
    while True:
        left = end - time.monotonic()
        for turn in turns:
            turn(min(max(left, 0.0), 0.01) / len(turns))
        if left <= 0:
            return
        if not turns:
            time.sleep(left)


# ---- access security -----------------------------------------------------------------


def asInitFile(filename: str, substitutions: str = "") -> int:
    """Replaces the rules of access security by those of a file.

    Args:
        filename: An access security file.
        substitutions: Macros, as ``NAME=VALUE,NAME=VALUE``.

    Raises:
        OSError: The file cannot be read.
        TypeError: `filename` is no path.
        ValueError: It is not valid: file, line and reason. The old rules stay.
    """
    if isinstance(filename, int):  # for open() it would be a descriptor
        raise TypeError(f"{filename!r} is no path")
    access.load(filename, substitutions, asCheckClientIP)
    return S_casApp_success


def asCaStart() -> None:
    """Connects the inputs of the rules.

    Raises:
        RuntimeError: EPICS' libdbCore cannot be loaded, or this process was forked.
    """
    access.start_inputs()


def asCaStop() -> None:
    """Disconnects the inputs of the rules; what depends on them is refused."""
    access.stop_inputs()
