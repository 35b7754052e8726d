"""What process() does with the requests for drivers that are not plain ones."""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable, Coroutine
from types import CoroutineType

from ..alarm import Alarm, Severity
from ..lowlevel.client import client_of, client_of_task
from ..lowlevel.dispatch import (
    AboutPut,
    Dispatcher,
    nothing,
    tell_field_put,
    write_log,
)
from ..native._handle import driver_of, info_of, name_of
from ..native._links import data_of
from ..native._request import GETFAIL, NORMAL, PUTFAIL, Request
from ..native._server import Server
from . import field_puts
from .coroutines import About, Coroutines, was_cancelled
from .put_limits import within_limits
from .pv import no_driver, overrides, put_line, put_value, refused

TYPE_CHECKING = False  # typing takes long to import
if TYPE_CHECKING:
    from typing import Any


def _true(result: Any) -> bool:
    """As ``bool(result)``; what has no truth, an array say, counts as something."""
    try:
        return bool(result)
    except Exception:
        return True


class DriverDispatcher(Dispatcher):
    """Asks the drivers of PVs that have one, and all other PVs by their methods."""

    def __init__(
        self,
        engine: Server,
        server: Callable[[], Any],
        coroutines: Coroutines | None = None,
    ) -> None:
        super().__init__(engine, server)
        self._coroutines = Coroutines() if coroutines is None else coroutines

    def end(self, engine: Server) -> None:
        """Before the engine closes: puts and gets that coroutines carry out fail."""
        self._coroutines.stop()
        super().end(engine)

    def forget_threads(self) -> None:
        """In the child of a fork: its threads are the parent's."""
        self._coroutines.forget_threads()

    # ---- called by the engine's process() ----

    def allows_direct(self) -> bool:
        """False while each put has to be logged."""
        return not write_log.isEnabledFor(logging.INFO)

    def written(self, request: Request, result: Any) -> None:
        """Driver.write returned `result`."""
        self._written(request, request.pv, result, nothing)

    def write_failed(self, request: Request) -> None:
        """An exception, the one in flight, came out of Driver.write."""
        self.put_failed(request, request.pv, sys.exc_info()[1])

    # ---- puts ----

    def _write(self, request: Request) -> None:
        field = request.field
        if field is None or request.pv is None:
            super()._write(request)
        else:
            self._write_field(request, request.pv, field)

    def _write_field(self, request: Request, pv: Any, field: str) -> None:
        """A put to a field of `pv`."""
        driver = driver_of(pv)

        def carry_out() -> Any:
            if driver is None:
                raise ValueError(no_driver(pv))
            return field_puts.put(request, pv, driver, field)

        later = self._end_field(request, pv, field, carry_out)
        if later is None:
            return
        request.defer()

        def ended(value: Any, error: BaseException | None) -> None:
            if was_cancelled(error):
                request.complete(PUTFAIL)
                return

            def read() -> Any:
                if error is not None:
                    raise error
                return value

            def processed() -> None:
                field_puts.process(pv, driver, read)
                request.field_put_done()

            self._end_field(request, pv, field, processed)

        try:
            self._run_for(request, ("read", id(pv)), later, ended)
        except RuntimeError:  # the program's event loop is closed
            request.complete(PUTFAIL)

    def _end_field(
        self, request: Request, pv: Any, field: str, carry_out: Callable[[], Any]
    ) -> Any:
        """Answers a put to a field, unless that returns what it has to wait for."""
        who = f"PV {name_of(pv)}.{field}"
        try:
            later = carry_out()
            if later is not None:
                return later
        except ValueError as error:
            request.fails_refused()
            self.tell(
                write_log, who, str(error), None, AboutPut(request), logging.WARNING
            )
        except Exception as error:
            self.tell(write_log, who, "put failed", error, AboutPut(request))
        else:
            tell_field_put(request, f"{name_of(pv)}.{field}")
            request.complete(NORMAL)
        request.complete(PUTFAIL)  # has no effect if it is completed
        return None

    def write(self, request: Request, pv: Any, done: Callable[[], None]) -> None:
        """A put to `pv`. ``done`` is called when it is accepted, before the answer."""
        if overrides(type(pv)).write:
            super().write(request, pv, done)
            return
        if driver_of(pv) is None:
            self.tell_refused(request, pv, no_driver(pv))
            request.complete(PUTFAIL)
            return
        try:
            value = within_limits(info_of(pv).fields, request.value)
        except ValueError as error:
            self.tell_refused(request, pv, str(error))
            request.fails_out_of_limits()
            request.complete(PUTFAIL)
            return
        request.carry_out()
        try:
            result = put_value(pv, client_of(request), value)
        except Exception as error:
            self.put_failed(request, pv, error)
        except BaseException:
            request.complete(PUTFAIL)
            raise
        else:
            self._written(request, pv, result, done)

    def _written(
        self, request: Request, pv: Any, result: Any, done: Callable[[], None]
    ) -> None:
        if isinstance(result, CoroutineType):
            self._run(request, pv, result, done)
        else:
            self._finish(request, pv, result, done, last=False)

    def _run(
        self,
        request: Request,
        pv: Any,
        coroutine: Coroutine[Any, Any, Any],
        done: Callable[[], None],
    ) -> None:
        """Carries a put out by the coroutine that write() returned."""
        request.defer()
        line = put_line(pv, client_of(request), request.value) or nothing

        def ended(result: Any, error: BaseException | None) -> None:
            if error is not None:
                self.put_failed(request, pv, error)
                return
            if not refused(result):
                line()
            self._finish(request, pv, result, done, last=True)

        try:
            self._run_for(request, ("write", id(pv)), coroutine, ended)
        except RuntimeError as error:  # the program's event loop is closed
            self.put_failed(request, pv, error)

    def _run_for(
        self,
        request: Request,
        turn: tuple[str, int],
        coroutine: Coroutine[Any, Any, Any],
        ended: Callable[[Any, BaseException | None], None],
    ) -> None:
        """Runs `coroutine`, which may ask who the client of `request` is."""
        token = client_of_task.set(request)
        try:
            about = About(turn[0], request.pv)
            self._coroutines.run(turn, coroutine, ended, about)
        finally:
            client_of_task.reset(token)

    def _finish(
        self,
        request: Request,
        pv: Any,
        result: Any,
        done: Callable[[], None],
        last: bool,
    ) -> None:
        """After write() returned, or its coroutine ended (`last`)."""
        no = refused(result)
        if no and driver_of(pv) is not None:
            self.tell_refused(request, pv, "the driver refused a put")
        self.put_ends(pv, no)
        if no:
            request.complete(PUTFAIL)
            return
        done()
        if request.in_series and not last and _true(result):
            request.defer()  # callbackPV will come
        else:
            request.complete(NORMAL)

    def put_ends(self, pv: Any, failed: bool) -> None:
        """Alarm of a failed put, and the events of what write() has set."""
        driver = driver_of(pv)
        if driver is None:
            return
        reason = info_of(pv).reason
        try:
            if failed:
                driver.setParamStatus(reason, Alarm.WRITE_ALARM, Severity.INVALID_ALARM)
            driver.updatePV(reason)
        except Exception as error:
            what = "update after a put failed"
            self.tell(write_log, f"PV {name_of(pv)}", what, error)

    # ---- gets ----

    def read(self, request: Request, pv: Any) -> None:
        """A get of `pv`."""
        if overrides(type(pv)).read:
            super().read(request, pv)
        elif driver_of(pv) is None or data_of(pv) is None:
            self.read_failed(request, no_driver(pv))
        else:
            value = driver_of(pv).read(info_of(pv).reason)
            if isinstance(value, CoroutineType):
                self.read_later(request, pv, value)
            else:
                self._read_ends(request, value)

    def _read_ends(self, request: Request, value: Any) -> None:
        if value is None:
            self.read_failed(request, "read returned None")
        else:
            request.complete_read(value)

    def read_later(
        self, request: Request, pv: Any, coroutine: Coroutine[Any, Any, Any]
    ) -> None:
        """Answers a get with what the coroutine returns that Driver.read returned."""

        def ended(result: Any, error: BaseException | None) -> None:
            if was_cancelled(error):
                request.complete(GETFAIL)
                return
            try:
                if error is not None:
                    raise error
                self._read_ends(request, result)
            except BaseException:
                self.read_failed(request)

        try:
            self._run_for(request, ("read", id(pv)), coroutine, ended)
        except RuntimeError:  # the program's event loop is closed
            self.read_failed(request)

    def read_raised(self, pv: Any) -> None:
        """READ, INVALID until a read succeeds."""
        data = data_of(pv)
        if data is not None:
            data.fail_read()
