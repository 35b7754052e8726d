"""What process() does with a request that is not just ``driver.write(reason, value)``."""

from __future__ import annotations

import inspect
import logging
from typing import Any

from . import cas
from ._engine import GETFAIL, NORMAL, PUTFAIL, PvHandle, Request
from .alarm import Alarm, Severity
from .puts import AsynPuts, Coroutines
from .pv import overrides

_write_log = logging.getLogger("pcaspy.SimplePV.writeValue")
_read_log = logging.getLogger("pcaspy.SimplePV.getValue")
_server_log = logging.getLogger("pcaspy.SimpleServer")
_engine_log = logging.getLogger("pcaspy.engine")


def _client(request: Request) -> cas.casClientInfo:
    user, host, _ = request.client
    return cas.casClientInfo(user, host, request)


def _refused(result: Any) -> bool:
    """Only a plain False refuses: None, and write() without return, accept."""
    return type(result).__name__ in ("bool", "bool_") and not result


class Dispatcher:
    """Handles requests in the thread that calls process().

    Args:
        registry: The PVs and drivers of the server.
        server: What has pvExistTest and pvAttach; asked for at each use, None if gone.
    """

    def __init__(self, registry: Any, server: Any) -> None:
        self._server = server
        self.asyn = AsynPuts(registry.wake)
        self.coroutines = Coroutines()
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

    def turn(self, records: list[tuple[int, str]]) -> None:
        """Once per batch of requests: postponed puts, and what the engine has to say."""
        for level, text in records:
            _engine_log.log(level, "%s", text)
        while (request := self.asyn.take_ready()) is not None:
            pv = request.pv
            if pv is None:
                request.complete(PUTFAIL)
            else:
                self._carry_out(request, pv)

    def handle(self, request: Request) -> None:
        """Any request."""
        self._handlers[request.kind](request)

    # ---- puts ----

    def _write(self, request: Request) -> None:
        pv = request.pv
        if pv is None:
            request.complete(PUTFAIL)
        elif overrides(type(pv)).write:
            self._write_low_level(request, pv)
        elif request.notify and pv.info.asyn and pv.driver is not None:
            if self.asyn.begin(pv, request):
                self._carry_out(request, pv)
        else:
            self._carry_out(request, pv)

    def _carry_out(self, request: Request, pv: Any) -> None:
        try:
            result = pv.put(_client(request), request.value)
        except Exception:
            self.write_failed(request)
        except BaseException:
            self._answer(request, pv, PUTFAIL)
            raise
        else:
            self.written(request, result)

    def written(self, request: Request, result: Any) -> None:
        """Driver.write returned `result`."""
        pv = request.pv
        if inspect.iscoroutine(result):
            request.defer()

            def done(result: Any, error: BaseException | None) -> None:
                if error is None:
                    self._finish(request, pv, result, last=True)
                else:
                    self._failed(request, pv, error)

            self.coroutines.run(pv, result, done)
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
        self._failed(request, request.pv, True)

    def _failed(self, request: Request, pv: Any, error: Any) -> None:
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
        except Exception:
            _write_log.exception("PV %s: update after a put failed", pv.name)

    def _answer(self, request: Request, pv: Any, status: int) -> None:
        self.asyn.end(pv, status, request)
        request.complete(status)  # has no effect if that was answered already

    def _write_low_level(self, request: Request, pv: Any) -> None:
        """A put to a PV whose class has its own write()."""
        value = cas.gdd()
        value.put(request.value)
        try:
            call = pv.writeNotify if request.notify else pv.write
            status = call(_client(request), value)
        except Exception:
            self.write_failed(request)
            return
        self._post(pv, failed=False)
        request.complete(NORMAL if status in (None, cas.S_casApp_success) else PUTFAIL)

    # ---- gets ----

    def _read(self, request: Request) -> None:
        pv = request.pv
        try:
            if pv is None or pv.driver is None or pv.data is None:
                self.read_failed(request, "no driver is registered for it")
            elif overrides(type(pv)).read:
                self._read_low_level(request, pv)
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
        value = cas.gdd()
        status = pv.getValue(value)
        if status in (None, cas.S_casApp_success):
            request.complete_read(value.get())
        else:
            self.read_failed(request, f"getValue returned {status}")

    def read_failed(self, request: Request, why: str | None = None) -> None:
        """`why`, or the exception in flight, prevents an answer."""
        pv = request.pv
        name = "?" if pv is None else pv.name
        if why is not None:
            _read_log.warning("PV %s: %s", name, why)
        else:
            _read_log.exception("PV %s: read failed", name)
            if pv is not None and pv.data is not None:
                pv.data.fail_read()
        request.complete(GETFAIL)

    # ---- names, subscriptions ----

    def _exists(self, request: Request) -> None:
        found = False
        try:
            server = self._server()
            address = cas.caNetAddr(request.client[2])
            result = server.pvExistTest(_client(request), address, request.name)
            found = isinstance(result, PvHandle) or result == cas.pverExistsHere
        except Exception:
            _server_log.exception("pvExistTest(%r) failed", request.name)
        request.complete(NORMAL if found else GETFAIL)

    def _attach(self, request: Request) -> None:
        try:
            found = self._server().pvAttach(_client(request), request.name)
            if isinstance(found, PvHandle):
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
