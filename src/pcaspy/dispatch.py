"""What process() does with requests that are not a plain write or read of a driver."""

from __future__ import annotations

import inspect
import logging
import sys
from collections import deque
from typing import Any

from . import cas
from ._engine import GETFAIL, NORMAL, PUTFAIL, PvHandle, Request, Server
from .alarm import Alarm, Severity
from .puts import AsynPuts, Coroutines
from .pv import overrides
from .summary import Summary

_put_log = logging.getLogger("pcaspy.put")
_write_log = logging.getLogger("pcaspy.SimplePV.writeValue")
_read_log = logging.getLogger("pcaspy.SimplePV.getValue")
_server_log = logging.getLogger("pcaspy.SimpleServer")
_engine_log = logging.getLogger("pcaspy.engine")


def _refused(result: Any) -> bool:
    """Only a plain False refuses: None, and write() without return, accept."""
    return type(result).__name__ in ("bool", "bool_") and not result


def _of_program(error: BaseException | None) -> BaseException | None:
    """`error` with a traceback that begins where the program's own code does.

    So a kept log record does not keep a request alive.
    """
    if error is None:
        return None
    traceback = error.__traceback__
    while traceback is not None and traceback.tb_next is not None:
        module = traceback.tb_frame.f_globals.get("__name__", "")
        if module.partition(".")[0] != __package__:
            break
        traceback = traceback.tb_next
    return error.with_traceback(traceback)


def _log_put(request: Request, pv: Any) -> None:
    """Tells who puts what, where a rule of access security has TRAPWRITE."""
    if not request.trapped:
        return
    client = cas.client_of(request)
    old = None if pv.data is None else pv.data.value
    _put_log.info(
        "%s: %s@%s (%s) old=%s new=%s",
        pv.name,
        client.user,
        client.host,
        client.address,
        old,
        request.value,
    )


class _Attached:
    """Keeps the PVs that `pvAttach` gave while a channel is on them."""

    def __init__(self) -> None:
        self._pvs: dict[int, PvHandle] = {}
        self._limit = 16  # PVs at which those without a channel are let go

    def keep(self, pv: PvHandle) -> None:
        """Keeps `pv`."""
        if len(self._pvs) >= self._limit:
            self._pvs = {key: held for key, held in self._pvs.items() if held.in_use}
            self._limit = max(16, 2 * len(self._pvs))
        self._pvs[id(pv)] = pv


class Dispatcher:
    """Handles requests in the thread that calls process().

    Args:
        registry: The PVs and drivers of the server.
        server: What has pvExistTest and pvAttach; asked for at each use, None if gone.
    """

    def __init__(self, registry: Any, server: Any) -> None:
        self._server = server
        self._wake = registry.wake
        self.asyn = AsynPuts(registry.wake)
        self.coroutines = Coroutines()
        self._summary = Summary(registry.stats)
        self._retries: deque[Request] = deque()  # postponed puts of low-level PVs
        self._attached = _Attached()
        self._handlers = {
            "write": self._write,
            "read": self._read,
            "exists": self._exists,
            "attach": self._attach,
            "interest": self._interest,
        }

    # ---- called by the engine's process() ----

    def allows_direct(self) -> bool:
        """False while each put has to be logged."""
        return not _write_log.isEnabledFor(logging.INFO)

    def end(self, engine: Server) -> None:
        """Before the engine closes: what it has to say for the last time."""
        if engine.running:
            self._log_records(engine.drain_log())
            self._summary.end()

    def _log_records(self, records: list[tuple[int, str]]) -> None:
        for level, text in records:
            _engine_log.log(level, "%s", text)

    def turn(self, records: list[tuple[int, str]]) -> None:
        """Once per batch: postponed puts, and what the engine has to say."""
        self._log_records(records)
        self._summary.turn()
        while (request := self.asyn.take_ready()) is not None:
            pv = request.pv
            if pv is None:
                request.complete(PUTFAIL)
            else:
                request.call(self._carry_out, request, pv)
        for _ in range(len(self._retries)):
            request = self._retries.popleft()
            request.call(self._write_low_level, request, request.pv)

    def handle(self, request: Request) -> None:
        """Any request."""
        self._handlers[request.kind](request)

    # ---- puts ----

    def _write(self, request: Request) -> None:
        pv = request.pv
        if pv is None:
            request.complete(PUTFAIL)
        elif overrides(type(pv)).write:
            _log_put(request, pv)
            self._write_low_level(request, pv)
        elif request.notify and pv.info.asyn and pv.driver is not None:
            if self.asyn.begin(pv, request):
                self._carry_out(request, pv)
        else:
            self._carry_out(request, pv)

    def _carry_out(self, request: Request, pv: Any) -> None:
        _log_put(request, pv)
        try:
            result = pv.put(cas.client_of(request), request.value)
        except Exception as error:
            self._failed(request, pv, error)
        except BaseException:
            self._answer(request, pv, PUTFAIL)
            raise
        else:
            self._written(request, pv, result)

    def written(self, request: Request, result: Any) -> None:
        """Driver.write returned `result`."""
        self._written(request, request.pv, result)

    def _written(self, request: Request, pv: Any, result: Any) -> None:
        if inspect.iscoroutine(result):
            request.defer()

            def done(result: Any, error: BaseException | None) -> None:
                if error is None:
                    self._finish(request, pv, result, last=True)
                else:
                    self._failed(request, pv, error)

            token = cas.client_of_task.set(request)
            try:
                self.coroutines.run(pv, result, done)
            finally:
                cas.client_of_task.reset(token)
        else:
            self._finish(request, pv, result, last=False)

    def _finish(self, request: Request, pv: Any, result: Any, last: bool) -> None:
        """After write() returned, or its coroutine ended (`last`)."""
        refused = _refused(result)
        if refused and pv.driver is not None:
            _write_log.warning("%s: the driver refused a put", pv.name)
        self._post(pv, refused)
        if refused:
            self._answer(request, pv, PUTFAIL)
        elif last or not self.asyn.pending(pv, request):
            self._answer(request, pv, NORMAL)
        else:
            request.defer()  # callbackPV will come
            if not self.asyn.pending(pv, request):
                request.complete(NORMAL)

    def write_failed(self, request: Request) -> None:
        """An exception, the one in flight, came out of Driver.write."""
        self._failed(request, request.pv, sys.exc_info()[1])

    def _failed(self, request: Request, pv: Any, error: BaseException | None) -> None:
        error = _of_program(error)
        _write_log.error("PV %s: write failed", pv.name, exc_info=error)
        self._post(pv, failed=True)
        self._answer(request, pv, PUTFAIL)

    def _post(self, pv: Any, failed: bool) -> None:
        """Alarm of a failed put, and the events of what write() has set."""
        if pv.driver is None:
            return
        try:
            if failed:
                pv.driver.setParamStatus(
                    pv.info.reason, Alarm.WRITE_ALARM, Severity.INVALID_ALARM
                )
            pv.driver.updatePV(pv.info.reason)
        except Exception as error:
            _write_log.error(
                "PV %s: update after a put failed",
                pv.name,
                exc_info=_of_program(error),
            )

    def _answer(self, request: Request, pv: Any, status: int) -> None:
        self.asyn.end(pv, status, request)
        request.complete(status)  # has no effect if that was answered already

    def _write_low_level(self, request: Request, pv: Any) -> None:
        """A put to a PV whose class has its own write()."""
        try:
            value = cas.gdd()
            value.setPrimType(pv.bestExternalType())
            value.put(request.value)
            call = pv.writeNotify if request.notify else pv.write
            status = call(cas.client_of(request), value)
        except Exception as error:
            self._forget_async(request, pv)
            self._failed(request, pv, error)
            return
        if status == cas.S_casApp_postponeAsyncIO:
            if not pv.writes().postpone(request, self._retry):
                self._refuse(request, pv, "postponed a put with no other in progress")
        elif status == cas.S_casApp_asyncCompletion:
            if pv.writes().current is request:
                request.defer()
            elif not request.completed:
                self._refuse(request, pv, "did not call startAsyncWrite")
        else:
            self._forget_async(request, pv)
            self._post(pv, failed=False)
            good = status in (None, True, cas.S_casApp_success)
            request.complete(NORMAL if good else PUTFAIL)

    def _retry(self, request: Request) -> None:
        """The write that `request` had to wait for has ended. Any thread."""
        self._retries.append(request)
        self._wake()

    def _forget_async(self, request: Request, pv: Any) -> None:
        """write() is done with `request`, whatever it has started."""
        if pv.writes().current is request:
            pv.writes().end(None)

    def _refuse(self, request: Request, pv: Any, why: str) -> None:
        _write_log.error("PV %s: write() %s", pv.name, why)
        request.complete(PUTFAIL)

    # ---- gets ----

    def _read(self, request: Request) -> None:
        pv = request.pv
        try:
            if pv is None:
                self.read_failed(request, "it is gone")
            elif overrides(type(pv)).read:
                self._read_low_level(request, pv)
            elif pv.driver is None or pv.data is None:
                self.read_failed(request, "no driver is registered for it")
            elif (value := pv.driver.read(pv.info.reason)) is None:
                self.read_failed(request, "read returned None")
            else:
                request.complete_read(value)
        except Exception:
            self.read_failed(request)
        except BaseException:
            request.complete(GETFAIL)
            raise

    def _read_low_level(self, request: Request, pv: Any) -> None:
        """A get of a PV whose class has its own read() or getValue()."""
        if request.asks_metadata:
            pv.describe()
        value = cas.gdd()
        value.setPrimType(pv.bestExternalType())
        value.setTimeStamp()
        status = pv.read(cas.client_of(request), value)
        if status in (None, cas.S_casApp_success):
            request.complete_value(
                value.get(), value.getStat(), value.getSevr(), value.getTimeStamp()
            )
        else:
            self.read_failed(request, f"read() returned {status}")

    def read_failed(self, request: Request, why: str | None = None) -> None:
        """`why`, or the exception in flight, prevents an answer."""
        pv = request.pv
        name = "?" if pv is None else pv.name
        if why is not None:
            _read_log.warning("PV %s: %s", name, why)
        else:
            error = _of_program(sys.exc_info()[1])
            _read_log.error("PV %s: read failed", name, exc_info=error)
            if pv is not None and pv.data is not None:
                pv.data.fail_read()
        request.complete(GETFAIL)

    # ---- names, subscriptions ----

    def _exists(self, request: Request) -> None:
        found = False
        try:
            server = self._server()
            address = cas.caNetAddr(request.client[2])
            result = server.pvExistTest(cas.client_of(request), address, request.name)
            found = isinstance(result, PvHandle) or result == cas.pverExistsHere
        except Exception:
            _server_log.exception("pvExistTest(%r) failed", request.name)
        request.complete(NORMAL if found else GETFAIL)

    def _attach(self, request: Request) -> None:
        try:
            found = self._server().pvAttach(cas.client_of(request), request.name)
            if isinstance(found, cas.casPV):
                found.prepare(request.name)
                self._attached.keep(found)
                request.complete_attach(found)
        except Exception:
            _server_log.exception("pvAttach(%r) failed", request.name)
        request.complete(GETFAIL)  # has no effect after complete_attach

    def _interest(self, request: Request) -> None:
        pv = request.pv
        if pv is None:
            return
        try:
            if request.interest:
                pv.interestRegister()
            else:
                pv.interestDelete()
        except Exception:
            _server_log.exception("PV %s: interest failed", pv.name)
