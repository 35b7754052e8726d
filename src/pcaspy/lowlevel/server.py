"""Servers whose PVs are found and made by their own methods."""

from __future__ import annotations

import weakref
from collections.abc import Callable

from ..host import pva
from ..host.lifetime import Host
from ..host.options import resolve
from ..native._server import Server
from .casdef import (
    DBE_ALARM,
    DBE_LOG,
    DBE_VALUE,
    S_casApp_pvNotFound,
    pverDoesNotExistHere,
)
from .client import caNetAddr
from .dispatch import Dispatcher

TYPE_CHECKING = False  # typing takes long to import
if TYPE_CHECKING:
    from typing import Any, ClassVar

    from typing_extensions import Self


class shown:
    """A property that an attribute of an object can replace.

    Programs set what they like on their servers.
    """

    def __init__(self, function: Callable[[Any], int]) -> None:
        self._function = function
        self.__doc__ = function.__doc__

    def __get__(self, server: Any, kind: type) -> Any:
        return self if server is None else self._function(server)


class LowLevelHost(Host):
    """What serves a low-level server.

    Args:
        server: Whose methods find and make PVs.
        options: As for the server.
    """

    dispatcher_kind: ClassVar[type[Dispatcher]] = Dispatcher

    def __init__(self, server: Callable[[], Any], options: dict[str, Any]) -> None:
        over_pva = pva.wanted(options.pop("pva", None))
        chosen = resolve(options)
        engine = Server(chosen)
        engine.set_search_by_request(True)
        engine.set_attach_by_request(True)
        self.pva = pva.serve(engine, chosen) if over_pva else None
        self.serve_with(engine, self.dispatcher_kind(engine, server))


class _Missing:
    """Says why a server has no host; what an instance has goes before it."""

    def __get__(self, server: Any, kind: type) -> Any:
        if server is None:
            return self
        raise AttributeError(
            f"{kind.__name__}.__init__ did not call the __init__ of its base class: it"
            " has to call super().__init__()"
        )


class LowLevelServer:
    """A server whose PVs are found and made by `pvExistTest` and `pvAttach`.

    Args:
        pvCountEstimate: Not used.
        options: As for `SimpleServer`.
    """

    # What serves it: the only thing of ours that it holds.
    _pcaspy_host: ClassVar[Callable[..., Any]] = LowLevelHost
    if TYPE_CHECKING:
        _pcaspy: Any
    else:
        _pcaspy = _Missing()

    def __init__(self, pvCountEstimate: int = 0, **options: Any) -> None:
        self._pcaspy = self._pcaspy_host(weakref.ref(self), options)
        weakref.finalize(self, self._pcaspy.let_go).atexit = False

    def pvExistTest(self, context: Any, addr: caNetAddr, fullname: str) -> Any:
        """Whether there is such a PV: pverExistsHere, pverDoesNotExistHere, or it."""
        return pverDoesNotExistHere

    def pvAttach(self, context: Any, fullname: str) -> Any:
        """The PV of that name, or an S_casApp status."""
        return S_casApp_pvNotFound

    def start(self) -> None:
        """Binds the sockets and begins to serve; after `close()` again.

        Raises:
            OSError: An address or port cannot be used.
        """
        self._pcaspy.start()

    def close(self) -> None:
        """Ends serving and disconnects all clients. PVs and their values stay."""
        self._pcaspy.close()

    def __enter__(self) -> Self:
        self._pcaspy.start()
        return self

    def __exit__(self, *exc: object) -> None:
        LowLevelServer.close(self)

    def __reduce_ex__(self, protocol: Any) -> Any:
        raise TypeError(f"a {type(self).__name__} cannot be copied or pickled")

    @shown
    def tcp_port(self) -> int:
        """Where clients connect to; 0 while not serving."""
        return int(self._pcaspy.engine.tcp_port)

    @shown
    def udp_port(self) -> int:
        """Where searches are answered; 0 while not serving."""
        return int(self._pcaspy.engine.udp_port)

    @shown
    def pva_tcp_port(self) -> int:
        """Where PVAccess clients connect to; 0 while not serving PVAccess."""
        served = self._pcaspy.pva
        return 0 if served is None else int(served.tcp_port)

    @shown
    def pva_udp_port(self) -> int:
        """Where PVAccess searches are answered; 0 while not serving PVAccess."""
        served = self._pcaspy.pva
        return 0 if served is None else int(served.udp_port)

    # ---- of little use here, but called by programs ----

    def setDebugLevel(self, level: int) -> None:
        """Sets the number that `getDebugLevel` returns."""
        self._pcaspy.debug_level = int(level)

    def getDebugLevel(self) -> int:
        """What `setDebugLevel` was given."""
        return int(self._pcaspy.debug_level)

    def show(self, level: int = 0) -> None:
        """Prints the counters of the engine."""
        for name, count in self._pcaspy.stats().items():
            print(f"{name}: {count}")

    def registerEvent(self, name: str) -> int:
        """The mask of an event: "value", "log" or "alarm".

        Raises:
            ValueError: There is no such event.
        """
        events = {"value": DBE_VALUE, "log": DBE_LOG, "alarm": DBE_ALARM}
        if name not in events:
            raise ValueError(f"there is no event {name!r}")
        return events[name]

    def valueEventMask(self) -> int:
        """DBE_VALUE."""
        return DBE_VALUE

    def logEventMask(self) -> int:
        """DBE_LOG."""
        return DBE_LOG

    def alarmEventMask(self) -> int:
        """DBE_ALARM."""
        return DBE_ALARM

    def subscriptionEventsPosted(self) -> int:
        """How many updates were sent or merged into later ones."""
        stats = self._pcaspy.engine.stats()
        return int(stats["updates"] + stats["updates_merged"])

    def subscriptionEventsProcessed(self) -> int:
        """How many updates were sent."""
        return int(self._pcaspy.engine.stats()["updates"])

    def createTimer(self) -> None:
        """Raises NotImplementedError: use Python's own timers."""
        raise NotImplementedError("there are no timers of the server library")

    def generateBeaconAnomaly(self) -> None:
        """Does nothing: beacons begin again when a server starts."""
