"""The control socket of a server: a companion with one thread for all connections.

The thread does one request at a time and takes no more than a third of a processor,
whatever its clients send. It holds `_busy` while it is at work: who forks takes that,
so that no lock of the engine is held by it in the child.
"""

from __future__ import annotations

import contextlib
import itertools
import logging
import os
import selectors
import socket
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ..host.companions import Companion
from ..served.registry import Registry
from . import folder
from .answers import Answers, Put, RefusedError
from .calls import PERIOD
from .lines import (
    PATIENCE,
    Connection,
    GarbledError,
    PendingPut,
    id_of,
    request_in,
)

_log = logging.getLogger("pcaspy.control")

MOST = 16  # connections
_IDLE = 60.0  # seconds after which a connection makes room for another one
_STUCK = 60.0  # seconds that an answer may wait to be read
_GRACE = 1.0  # seconds for a driver that has accepted a put to complete it
_LONGEST_PAUSE = 0.2  # seconds
_numbers = itertools.count(1)  # of the servers of this process


class ControlService(Companion):
    """Answers requests while its server serves.

    Args:
        held: What the server serves.
        name: What the server is called.
    """

    def __init__(self, held: Registry, name: str) -> None:
        self._held = held
        self._name = name
        self._number = next(_numbers)
        self._busy = threading.Lock()
        self._run: _Run | None = None

    def start(self) -> None:
        """Opens the socket; where that fails the log says why, and that is all."""
        try:
            run = _Run(self._held, self._name, self._number, self._busy)
        except OSError as error:
            _log.warning("there is no control socket: %s", error)
            return
        self._run = run
        run.thread.start()
        self._held.scanner.through = run.answers.calls.scan
        self._held.coroutines.through = run.answers.calls.steps

    def end(self) -> None:
        """Closes it; waits for the request in hand."""
        run, self._run = self._run, None
        if run is not None:
            self._held.scanner.through = self._held.coroutines.through = None
            run.end()

    def before_fork(self) -> None:
        """Waits until the thread is not at work."""
        self._busy.acquire()

    def in_parent(self) -> None:
        """The thread continues."""
        self._busy.release()

    def in_child(self) -> None:
        """The socket is the parent's: closes the copies, and leaves the file."""
        self._busy = threading.Lock()
        run, self._run = self._run, None
        if run is not None:
            self._held.scanner.through = self._held.coroutines.through = None
            run.abandon()


class _Run:
    """From a start of the server to its end."""

    def __init__(
        self, held: Registry, name: str, number: int, busy: threading.Lock
    ) -> None:
        self._busy = busy
        self._stop = False
        self.answers = Answers(held, name)
        self._inspection = self.answers.inspection
        self._listener, self._file = _listen(number)
        self._inode = self._file.stat().st_ino
        self._selector = selectors.DefaultSelector()
        self._connections: list[Connection] = []
        self._selector.register(self._listener, selectors.EVENT_READ)
        self._selector.register(self._inspection, selectors.EVENT_READ)
        self.thread = threading.Thread(
            target=self._serve, name="pcaspy control", daemon=True
        )

    # ---- other threads ----

    def end(self) -> None:
        """Ends the thread and removes the socket."""
        self._stop = True
        self._inspection.wake()
        self.thread.join()

    def abandon(self) -> None:
        """In the child of a fork."""
        self.answers.calls.end()
        self._inspection.abandon()
        for connection in self._connections:
            connection.socket.close()
        self._listener.close()
        self._selector.close()

    # ---- the thread ----

    def _serve(self) -> None:
        self.answers.calls.start()
        self._inspection.keep_misses(True)
        try:
            while not self._stop:
                more = any(connection.has_line for connection in self._connections)
                ready = self._selector.select(0 if more else PERIOD)
                begin = time.monotonic()
                with self._busy:
                    self._turn(ready)
                # Whoever waits for the GIL has more of it than this thread.
                time.sleep(min(2 * (time.monotonic() - begin), _LONGEST_PAUSE))
        except Exception:
            _log.exception("the control socket fails and is closed")
        finally:
            self.answers.calls.end()
            self._inspection.keep_misses(False)
            self._close()

    def _close(self) -> None:
        for connection in self._connections:
            connection.close()
        self._connections.clear()
        self._selector.close()
        self._listener.close()
        with contextlib.suppress(OSError):
            if self._file.stat().st_ino == self._inode:
                self._file.unlink()

    def _turn(self, ready: list[tuple[selectors.SelectorKey, int]]) -> None:
        """What is there, one request of each connection, and what is overdue."""
        for key, events in ready:
            if key.fileobj is self._listener:
                self._accept_all()
            elif key.fileobj is self._inspection:
                self._inspection.clear()
            else:
                self._guarded(key.data, _exchange, events)
        self._take_progress()
        for connection in list(self._connections):
            self._guarded(connection, self._carry_out)
        self.answers.calls.look()

    def _guarded(
        self, connection: Connection, work: Callable[..., None], *args: Any
    ) -> None:
        """``work(connection)``, whose failure ends this connection and no other."""
        try:
            if connection in self._connections:
                work(connection, *args)
        except OSError:  # the client has gone
            self._drop(connection)
        except Exception:
            _log.exception("a connection of the control socket fails")
            self._drop(connection)
        else:
            self._watch(connection)

    def _accept_all(self) -> None:
        for _ in range(MOST):
            try:
                accepted, _ = self._listener.accept()
            except OSError:  # none is left; or no descriptor is
                return
            self._accept(Connection(accepted))

    def _accept(self, connection: Connection) -> None:
        if len(self._connections) >= MOST and not self._make_room():
            with contextlib.suppress(OSError):
                connection.send({"id": None, "error": "too many connections"})
            connection.close()
            return
        self._connections.append(connection)
        self._watch(connection)

    def _make_room(self) -> bool:
        """Drops the connection that has been idle the longest, if for long."""
        oldest = min(self._connections, key=lambda connection: connection.used)
        if time.monotonic() - oldest.used < _IDLE:
            return False
        self._drop(oldest)
        return True

    def _watch(self, connection: Connection) -> None:
        """Has the selector look for what the connection waits for."""
        if connection.is_over:
            self._drop(connection)
            return
        wanted = (selectors.EVENT_READ if connection.reads else 0) | (
            selectors.EVENT_WRITE if connection.sends else 0
        )
        if wanted == connection.watched:
            return
        if not wanted:
            self._selector.unregister(connection.socket)
        elif connection.watched:
            self._selector.modify(connection.socket, wanted, connection)
        else:
            self._selector.register(connection.socket, wanted, connection)
        connection.watched = wanted

    def _drop(self, connection: Connection) -> None:
        if connection.watched:
            connection.watched = 0
            self._selector.unregister(connection.socket)
        self._connections.remove(connection)
        connection.close()
        if not any(connection.asks_for_pvs for connection in self._connections):
            self._inspection.forget()

    # ---- requests ----

    def _carry_out(self, connection: Connection) -> None:
        """Its next request, if there is one, and what is overdue of it."""
        now = time.monotonic()
        if connection.sends and now - connection.used > _STUCK:
            raise TimeoutError
        if connection.put is not None and now > connection.put.until:
            connection.finish_put(accepted=connection.put.accepted)
        if not connection.is_ready:
            return
        try:
            line = connection.next_line()
        except GarbledError as error:
            connection.send({"id": None, "error": str(error)})
            connection.read_no_more()
            return
        if line is None:
            return
        try:
            request = request_in(line)
        except GarbledError as error:
            connection.send({"id": None, "error": str(error)})
            return
        self._answer(connection, request)

    def _answer(self, connection: Connection, request: dict[str, Any]) -> None:
        number = id_of(request)
        connection.asks_for_pvs |= request.get("do") in ("pvs", "get")
        try:
            result = self.answers.answer(request, connection.user)
        except RefusedError as error:
            connection.send({"id": number, "error": str(error)})
        except Exception as error:
            _log.exception("request %.200r fails", request.get("do"))
            connection.send({"id": number, "error": f"the request fails: {error}"})
        else:
            if isinstance(result, Put):
                until = time.monotonic() + PATIENCE
                connection.put = PendingPut(result.number, number, until)
            else:
                connection.send({"id": number, "result": result})

    def _take_progress(self) -> None:
        """Puts that the driver has accepted, completed or refused."""
        for number, completed, good in self._inspection.progress():
            for connection in list(self._connections):
                put = connection.put
                if put is None or put.number != number:
                    continue
                if completed:
                    self._guarded(connection, Connection.finish_put, good)
                elif not put.accepted:
                    put.accepted = True
                    put.until = time.monotonic() + _GRACE


def _exchange(connection: Connection, events: int) -> None:
    if events & selectors.EVENT_WRITE:
        connection.go_on()
    if events & selectors.EVENT_READ:
        connection.receive()


def _listen(number: int) -> tuple[socket.socket, Path]:
    """A socket that listens, and its file.

    Raises:
        OSError: It cannot be made.
    """
    where = folder.made()
    folder.sweep(where)
    file = where / f"{os.getpid()}-{number}.sock"
    new = file.with_suffix(".new")
    for old in (new, file):  # of an earlier process with this PID
        with contextlib.suppress(FileNotFoundError):
            old.unlink()
    listener = socket.socket(socket.AF_UNIX)
    try:
        try:
            listener.bind(str(new))
        except OSError as error:
            raise OSError(f"{file}: {error}") from error
        new.chmod(0o600)
        listener.listen(MOST)
        listener.setblocking(False)
        new.rename(file)  # whoever finds it can connect
    except BaseException:
        listener.close()
        with contextlib.suppress(OSError):
            new.unlink()
        raise
    return listener, file


def companion(held: Registry, name: str) -> ControlService:
    """The control of a server; an empty name stands for the program's.

    Raises:
        OSError: This system has no Unix sockets.
    """
    if not folder.SUPPORTED:
        raise OSError(folder.WHY_NOT)
    return ControlService(held, name or _name_of_program())


def _name_of_program() -> str:
    path = Path(sys.argv[0] if sys.argv else "")
    name = path.parent.name if path.name == "__main__.py" else path.stem
    return name if name not in ("", "-c", "-") else "python"
