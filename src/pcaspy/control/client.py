"""The client of the control protocol: finds servers on this host and asks them."""

from __future__ import annotations

import json
import socket
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from . import folder

_HELLO = 2.0  # seconds for a server to say its name
_MOST = 64 << 20  # bytes of an answer


class ControlError(Exception):
    """A server has refused a request; the text says why."""


@dataclass(frozen=True)
class Found:
    """A server of this user on this host."""

    pid: int
    name: str  # empty: it does not answer
    path: Path  # of its socket
    number: int = 1  # among the servers of its process


class Control:
    """A connection to a server. For one thread at a time.

    Args:
        path: The socket.
        timeout: Seconds that connecting and an answer may take.

    Raises:
        OSError: No server listens there.
    """

    def __init__(self, path: str | Path, timeout: float = 10.0) -> None:
        if not folder.SUPPORTED:
            raise OSError(folder.WHY_NOT)
        self._timeout = timeout
        self._read = bytearray()
        self._last = 0
        self._socket = socket.socket(socket.AF_UNIX)
        try:
            self._connect(str(path))
        except BaseException:
            self._socket.close()
            raise

    def _connect(self, path: str) -> None:
        end = time.monotonic() + self._timeout
        self._socket.settimeout(self._timeout)
        while True:
            try:
                self._socket.connect(path)
            except BlockingIOError:  # too many want to at the same time
                if time.monotonic() > end:
                    raise TimeoutError("the server takes no connections") from None
                time.sleep(0.01)
            else:
                return

    def __enter__(self) -> Control:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def close(self) -> None:
        """Ends the connection."""
        self._socket.close()

    def ask(self, do: str, **arguments: Any) -> dict[str, Any]:
        """Sends a request and returns the result.

        An answer that comes after its timeout is skipped by the next call.

        Raises:
            ControlError: The server has refused it.
            OSError: The server has ended, or does not answer in time.
        """
        self._last += 1
        request = {**arguments, "id": self._last, "do": do}
        self._socket.settimeout(self._timeout)
        try:
            self._socket.sendall(json.dumps(request).encode() + b"\n")
        except BrokenPipeError as broken:
            # That error is for the commands the end of who reads their output.
            raise ConnectionResetError("the server has ended") from broken
        end = time.monotonic() + self._timeout
        while True:
            answer = self._answer(end)
            if answer.get("id") == self._last:
                break
        error, result = answer.get("error"), answer.get("result")
        if error is not None:
            raise ControlError(str(error))
        if not isinstance(result, dict):
            raise OSError("the server's answer has no result")
        return result

    def _answer(self, end: float) -> dict[str, Any]:
        searched = 0
        while (line_end := self._read.find(b"\n", searched)) < 0:
            searched = len(self._read)
            if searched > _MOST:
                raise OSError("the server's answer is too long")
            left = end - time.monotonic()
            if left <= 0:
                raise TimeoutError(f"no answer within {self._timeout:g} s")
            self._socket.settimeout(left)
            try:
                received = self._socket.recv(1 << 18)
            except TimeoutError:
                continue  # says so
            if not received:
                raise ConnectionResetError("the server has ended")
            self._read += received
        line = bytes(self._read[:line_end])
        del self._read[: line_end + 1]
        try:
            answer = json.loads(line)
        except ValueError as error:
            raise OSError("the server's answer is no JSON") from error
        if not isinstance(answer, dict):
            raise OSError("the server's answer is no object")
        return answer


def found() -> list[Found]:
    """The servers of this user that run on this host, by PID.

    Raises:
        OSError: This system has no Unix sockets, or the folder of the sockets is not
            safe.
    """
    path = folder.folder()
    try:
        folder.check(path, as_root=True)
    except FileNotFoundError:
        return []
    servers = []
    for pid, number, at in folder.sockets(path):
        try:
            with Control(at, timeout=_HELLO) as control:
                name = str(control.ask("hello").get("name", ""))
        except TimeoutError:
            name = ""
        except (OSError, ControlError):  # it has ended
            continue
        servers.append(Found(pid, name, at, number))
    return servers


def find(what: str | None = None) -> Found:
    """One server: by its PID, its name, ``PID-N``, the path of its socket.

    Args:
        what: Which one. None for the only one there is.

    Raises:
        LookupError: There is none of that kind, or several; the text says which.
        OSError: This system has no Unix sockets, or their folder is not safe.
    """
    if what is not None and "/" in what:
        return _at(Path(what))
    servers = found()
    fitting = [server for server in servers if what is None or _fits(server, what)]
    if len(fitting) == 1:
        return fitting[0]
    if not servers:
        raise LookupError(
            "no server of this user runs here with control on; pcaspy serve has it,"
            " a program with SimpleServer(control=True) or PCASPY_CONTROL=YES"
        )
    if not fitting:
        raise LookupError(f"there is no server {what!r}; there are {_listed(servers)}")
    number = "several servers" if what is None else f"several servers {what!r}"
    raise LookupError(f"{number}: give the PID or the name; {_listed(fitting)}")


def _at(path: Path) -> Found:
    with Control(path) as control:
        hello = control.ask("hello")
    return Found(int(hello.get("pid", 0)), str(hello.get("name", "")), path)


def _fits(server: Found, what: str) -> bool:
    return what in {server.name, str(server.pid), f"{server.pid}-{server.number}"}


def _listed(servers: list[Found]) -> str:
    return ", ".join(
        f"{server.pid}-{server.number} ({server.name or 'does not answer'})"
        for server in servers
    )
