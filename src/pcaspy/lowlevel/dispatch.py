"""What process() does with each request: a PV is asked by its methods."""

from __future__ import annotations

import functools
import logging
import reprlib
import sys
from collections import deque
from collections.abc import Callable

from ..host.failures import Failures
from ..host.summary import Summary
from ..native._handle import PvHandle, is_in_use, name_of
from ..native._links import data_of
from ..native._request import GETFAIL, NORMAL, PUTFAIL, Request
from ..native._server import Server
from .casdef import (
    S_casApp_asyncCompletion,
    S_casApp_postponeAsyncIO,
    S_casApp_success,
    pverExistsHere,
)
from .client import caNetAddr, client_of
from .lazy import gdds
from .pv import async_writes, casPV, contents, describe, prepare

TYPE_CHECKING = False  # typing takes long to import
if TYPE_CHECKING:
    from typing import Any

_put_log = logging.getLogger("pcaspy.put")
write_log = logging.getLogger("pcaspy.SimplePV.writeValue")
read_log = logging.getLogger("pcaspy.SimplePV.getValue")
_server_log = logging.getLogger("pcaspy.SimpleServer")
# By what the engine's messages are about.
_LOG_OF = {
    "engine": logging.getLogger("pcaspy.engine"),
    "put": write_log,
    "pva": logging.getLogger("pcaspy.pva"),
}


def nothing() -> None:
    """What is logged of a put that no log wants."""


def trap_line(request: Request, pv: Any) -> Callable[[], None]:
    """Logs a put that a rule of access security traps, once it is accepted.

    Made before the put is carried out, for the old value.
    """
    if not request.trapped:
        return nothing
    client = client_of(request)
    data = data_of(pv)
    old = None if data is None else data.value
    return functools.partial(
        _put_log.info,
        "%s: %s old=%s new=%s",
        name_of(pv),
        client,
        old,
        request.value,
    )


def tell_field_put(request: Request, name: str) -> None:
    """Logs a put to the field `name`, as those to PVs are logged."""
    client = client_of(request)
    if request.trapped:
        _put_log.info("%s: %s new=%s", name, client, request.value)
    if write_log.isEnabledFor(logging.INFO):
        host, user = client.host, client.user
        write_log.info("%s: %s %s new=%s", name, host, user, request.value)


_brief = reprlib.Repr()
_brief.maxstring = _brief.maxother = 80


class AboutPut:
    """The value of a put and who it is from, as text for the log."""

    def __init__(self, request: Request) -> None:
        self._request = request

    def __str__(self) -> str:
        client = client_of(self._request)
        return f"; put of {_brief.repr(self._request.value)} by {client}"


class _Attached:
    """Keeps the PVs that `pvAttach` gave while a channel is on them."""

    def __init__(self) -> None:
        self._pvs: dict[int, PvHandle] = {}
        self._limit = 16  # PVs at which those without a channel are let go

    def keep(self, pv: PvHandle) -> None:
        """Keeps `pv`."""
        if len(self._pvs) >= self._limit:
            self._pvs = {
                key: held for key, held in self._pvs.items() if is_in_use(held)
            }
            self._limit = max(16, 2 * len(self._pvs))
        self._pvs[id(pv)] = pv


class Dispatcher:
    """Handles requests in the thread that calls process().

    A failure of user code is logged and fails this one request.

    Args:
        engine: Whose requests they are.
        server: Returns the object with pvExistTest and pvAttach; None if it was freed.
    """

    def __init__(self, engine: Server, server: Callable[[], Any]) -> None:
        self._engine = engine
        self._server = server
        self._summary = Summary(engine.stats)
        self._failures = Failures()
        self._retries: deque[Request] = deque()  # postponed puts
        self._attached = _Attached()
        self.watch: Callable[[], None] | None = None  # called once in a while
        self._handlers = {
            "write": self._write,
            "read": self._read,
            "exists": self._exists,
            "attach": self._attach,
            "interest": self._interest,
        }

    # ---- called by the host ----

    def end(self, engine: Server) -> None:
        """Before the engine closes: its last messages."""
        if engine.running:
            self._log_records(engine.drain_log(last=True))
            self._failures.end()
            self._summary.end()

    def forget_threads(self) -> None:
        """In the child of a fork: there are none."""

    # ---- called by the engine's process() ----

    def allows_direct(self) -> bool:
        """Whether plain requests may go past here, to a driver: there is none."""
        return False

    def _log_records(self, records: list[tuple[int, str, str]]) -> None:
        for level, text, topic in records:
            _LOG_OF[topic].log(level, "%s", text)

    @property
    def last_turn(self) -> float:
        """When the last batch was done, on the clock of time.monotonic()."""
        return self._summary.last_turn

    def turn(self, records: list[tuple[int, str, str]]) -> None:
        """Once per batch: postponed puts, and the engine's messages."""
        self._log_records(records)
        self._failures.turn()
        self._summary.turn()
        if self.watch is not None:
            self.watch()
        for _ in range(len(self._retries)):
            request = self._retries.popleft()
            pv = request.pv
            request.begin()
            done = trap_line(request, pv)
            request.call(self._write_by_methods, request, pv, done)

    def handle(self, request: Request) -> None:
        """Any request."""
        self._handlers[request.kind](request)

    def failed(self, request: Request) -> None:
        """Handling it raised an unexpected exception: only this request fails."""
        who = f"request {request.kind!r}"
        self.tell(_server_log, who, "failed", sys.exc_info()[1])
        request.complete(PUTFAIL if request.kind == "write" else GETFAIL)

    def tell(
        self,
        log: logging.Logger,
        who: str,
        what: str,
        error: BaseException | None = None,
        about: object = "",
        level: int = logging.ERROR,
    ) -> None:
        """Logs what failed, as `Failures.tell`."""
        self._failures.tell(log, level, who, what, error, about)

    # ---- puts ----

    def _write(self, request: Request) -> None:
        pv = request.pv
        if pv is None:
            request.complete(PUTFAIL)
        elif request.acknowledges:
            self._acknowledge(request, pv)
        else:
            self.write(request, pv, trap_line(request, pv))

    def _acknowledge(self, request: Request, pv: Any) -> None:
        if request.trapped:
            _put_log.info(
                "%s: %s %s=%s",
                name_of(pv),
                client_of(request),
                request.acknowledges,
                request.value,
            )
        request.acknowledge()

    def write(self, request: Request, pv: Any, done: Callable[[], None]) -> None:
        """A put to `pv`. ``done`` is called when it is accepted, before the answer."""
        self._write_by_methods(request, pv, done)

    def put_ends(self, pv: Any, failed: bool) -> None:
        """A put to `pv` is about to be answered, as done or as failed."""

    def put_failed(
        self, request: Request, pv: Any, error: BaseException | None
    ) -> None:
        """The user code that had to carry it out raised `error`."""
        who = f"PV {name_of(pv)}"
        self.tell(write_log, who, "write failed", error, AboutPut(request))
        self.put_ends(pv, failed=True)
        request.complete(PUTFAIL)

    def tell_refused(self, request: Request, pv: Any, what: str) -> None:
        """The log: a put was refused, and why."""
        request.fails_refused()
        who = f"PV {name_of(pv)}"
        self.tell(write_log, who, what, None, AboutPut(request), logging.WARNING)

    def _write_by_methods(
        self, request: Request, pv: Any, done: Callable[[], None]
    ) -> None:
        try:
            value = gdds().filled(
                pv.bestExternalType(), request.value, request.characters
            )
            call = pv.writeNotify if request.notify else pv.write
            status = call(client_of(request), value)
        except Exception as error:
            self._forget_async(request, pv)
            self.put_failed(request, pv, error)
            return
        if status == S_casApp_postponeAsyncIO:
            if not async_writes(pv).postpone(request, self._retry):
                self._refuse(request, pv, "postponed a put with no other in progress")
        elif status == S_casApp_asyncCompletion:
            if async_writes(pv).current is request:
                done()
                request.defer()
            elif not request.completed:
                self._refuse(request, pv, "did not call startAsyncWrite")
        else:
            self._forget_async(request, pv)
            self.put_ends(pv, failed=False)
            good = status in (None, True, S_casApp_success)
            if good:
                done()
            else:
                self.tell_refused(request, pv, f"write() returned {status!r}")
            request.complete(NORMAL if good else PUTFAIL)

    def _retry(self, request: Request) -> None:
        """The write that `request` had to wait for has ended. Any thread."""
        self._retries.append(request)
        self._engine.interrupt()

    def _forget_async(self, request: Request, pv: Any) -> None:
        """write() is done with `request`, whatever it has started."""
        if async_writes(pv).current is request:
            async_writes(pv).end(None)

    def _refuse(self, request: Request, pv: Any, why: str) -> None:
        self.tell(write_log, f"PV {name_of(pv)}", f"write() {why}")
        request.complete(PUTFAIL)

    # ---- gets ----

    def _read(self, request: Request) -> None:
        pv = request.pv
        try:
            if pv is None:
                self.read_failed(request, "it is gone")
            else:
                self.read(request, pv)
        except Exception:
            self.read_failed(request)
        except BaseException:
            request.complete(GETFAIL)
            raise

    def read(self, request: Request, pv: Any) -> None:
        """A get of `pv`."""
        if request.asks_metadata:
            describe(pv)
        value = gdds().empty(0, pv.maxBound(0) if pv.maxDimension() else None)
        value.setTimeStamp()
        status = pv.read(client_of(request), value)
        if status in (None, S_casApp_success):
            request.complete_value(*contents(pv, value))
        else:
            self.read_failed(request, f"read() returned {status}")

    def read_raised(self, pv: Any) -> None:
        """The user code of a get of `pv` has failed."""

    def read_failed(self, request: Request, why: str | None = None) -> None:
        """`why`, or the exception in flight, prevents an answer."""
        pv = request.pv
        who = "PV ?" if pv is None else f"PV {name_of(pv)}"
        if why is not None:
            self.tell(read_log, who, why, level=logging.WARNING)
        else:
            self.tell(read_log, who, "read failed", sys.exc_info()[1])
            if pv is not None:
                self.read_raised(pv)
        request.complete(GETFAIL)

    # ---- names, subscriptions ----

    def _exists(self, request: Request) -> None:
        found = False
        try:
            found = self._is_here(request, request.name)
            if not found:  # it may be a field of what is
                record = self._engine.record_name(request.name)
                found = record != "" and self._is_here(request, record)
        except Exception as error:
            self._name_failed("pvExistTest", request.name, error)
        request.complete(NORMAL if found else GETFAIL)

    def _is_here(self, request: Request, name: str) -> bool:
        address = caNetAddr(request.client[2])
        result = self._server().pvExistTest(client_of(request), address, name)
        return isinstance(result, PvHandle) or result == pverExistsHere

    def _attach(self, request: Request) -> None:
        name = request.name
        try:
            found = self._pv_of(request, name)
            if found is not None:
                request.complete_attach(found, self._engine)
            elif record := self._engine.record_name(name):
                found = self._pv_of(request, record)
                if found is not None:
                    self._engine.attach_field(request, found, name)
        except Exception as error:
            self._name_failed("pvAttach", name, error)
        request.complete(GETFAIL)  # has no effect where a channel was made

    def _pv_of(self, request: Request, name: str) -> casPV | None:
        """What `pvAttach` gives for that name, ready to be used."""
        found = self._server().pvAttach(client_of(request), name)
        if not isinstance(found, casPV):
            return None
        prepare(found, name)
        self._attached.keep(found)
        return found

    def _name_failed(self, function: str, name: str, error: Exception) -> None:
        self.tell(_server_log, function, "failed", error, f" for {name[:100]!r}")

    def _interest(self, request: Request) -> None:
        pv = request.pv
        if pv is None:
            return
        try:
            if request.interest:
                pv.interestRegister()
            else:
                pv.interestDelete()
        except Exception as error:
            self.tell(_server_log, f"PV {name_of(pv)}", "interest failed", error)
