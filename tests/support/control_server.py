"""A server that speaks the control protocol and has no PVs: for tests of its clients.

It can stall, refuse, send what is not the protocol, and end.
"""

from __future__ import annotations

import contextlib
import fnmatch
import json
import socket
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

NO_ALARM = {"severity": "NO_ALARM", "alarm": "NO_ALARM"}
# What rows are sorted by that have another name there.
SORTED_BY = {"name": "pv", "age": "time", "alarm": "severity"}


def pv_row(name: str, value: object = 0, **members: Any) -> dict[str, Any]:
    """A row of `pvs`."""
    row = {"pv": name, "value": str(value), **NO_ALARM, "time": time.time()}
    return {**row, "clients": 0, "rate": 0.0, **members}


class ControlServer:
    """One server on a socket in a folder, in threads of its own.

    Args:
        runtime: What XDG_RUNTIME_DIR is for the clients.
        name: Of the server.
        pid: What it says its process is.
        pvs: Its rows. The members of `more` of a PV are for `get` alone.
    """

    def __init__(
        self,
        runtime: Path,
        name: str = "axis",
        pid: int = 4321,
        pvs: list[dict[str, Any]] | None = None,
    ) -> None:
        self.name, self.pid = name, pid
        self.pvs = {row["pv"]: row for row in pvs or []}
        self.more: dict[str, dict[str, Any]] = {}
        self.circuits: list[dict[str, Any]] = []
        self.channels: dict[int, list[dict[str, Any]]] = {}
        self.slow: list[dict[str, Any]] = []
        self.running: list[dict[str, Any]] = []
        self.misses: list[dict[str, Any]] = []
        self.counters: dict[str, Any] = {"circuits": 2, "reads": 0}
        self.kinds = {"circuits": "now", "reads": "ever"}
        self.meanings = {"circuits": "open circuits", "reads": "gets"}
        self.asked: list[dict[str, Any]] = []
        self.puts: list[tuple[str, Any]] = []
        self.put_error: str | None = None
        self.raw: Callable[[dict[str, Any]], bytes | None] = lambda request: None
        self.hello: dict[str, Any] = {}  # what it says instead
        self.going = threading.Event()  # answers wait while it is not set
        self.going.set()
        self.accepting = threading.Event()  # puts wait while it is not set
        self.accepting.set()
        self._sorted: dict[tuple[str, bool, str], list[dict[str, Any]]] = {}
        self.connections: set[socket.socket] = set()
        self._lock = threading.Lock()
        folder = runtime / "pcaspy"
        folder.mkdir(mode=0o700, exist_ok=True)
        self.path = folder / f"{pid}-1.sock"
        self._listening = socket.socket(socket.AF_UNIX)
        self._listening.bind(str(self.path))
        self._listening.listen()
        self._threads = [threading.Thread(target=self._accept)]
        self._threads[0].start()

    def __enter__(self) -> ControlServer:
        return self

    def __exit__(self, *exc: object) -> None:
        self.end()

    def end(self) -> None:
        """Ends as a process does: all connections break."""
        self.going.set()
        self.accepting.set()
        with contextlib.suppress(FileNotFoundError):
            self.path.unlink()
        with contextlib.suppress(OSError):
            self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()
        self._threads[0].join()
        with self._lock:
            for connection in self.connections:
                with contextlib.suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)
        for thread in self._threads[1:]:
            thread.join()

    def asked_for(self, do: str) -> list[dict[str, Any]]:
        """The requests of one kind until now."""
        return [request for request in list(self.asked) if request["do"] == do]

    def sorted(self) -> list[dict[str, Any]]:
        """The PVs by name."""
        return sorted(self.pvs.values(), key=lambda row: str(row["pv"]))

    # ---- threads ----

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self._listening.accept()
                with self._lock:
                    self.connections.add(connection)
                thread = threading.Thread(target=self._serve, args=(connection,))
                self._threads.append(thread)
                thread.start()

    def _serve(self, connection: socket.socket) -> None:
        with contextlib.suppress(OSError), connection, connection.makefile() as lines:
            for line in lines:
                request = json.loads(line)
                self.asked.append(request)
                self.going.wait()
                answer = self.raw(request)
                if answer is None:
                    answer = json.dumps(self.answer(request)).encode() + b"\n"
                connection.sendall(answer)
        with self._lock:
            self.connections.discard(connection)

    def answer(self, request: dict[str, Any]) -> dict[str, Any]:
        """What is right."""
        try:
            result = getattr(self, f"_do_{request['do']}")(request)
        except LookupError as error:
            return {"id": request["id"], "error": str(error.args[0])}
        return {"id": request["id"], "result": result}

    # ---- requests ----

    def _do_hello(self, request: dict[str, Any]) -> dict[str, Any]:
        return {
            "protocol": 1,
            "version": "1",
            "pid": self.pid,
            "name": self.name,
            "started": time.time() - 3700,
            "command": ["python", "axis.py"],
            "pvs": len(self.pvs),
            "tcp_port": 5064,
            "udp_port": 5064,
            "pva_tcp_port": None,
            "pva_udp_port": None,
            **self.hello,
        }

    def _do_stats(self, request: dict[str, Any]) -> dict[str, Any]:
        self.counters["pvs"] = len(self.pvs)
        return {
            "time": time.time(),
            "counters": self.counters,
            "kinds": self.kinds,
            "meanings": self.meanings,
        }

    def _do_pvs(self, request: dict[str, Any]) -> dict[str, Any]:
        match, sort = request.get("match", ""), request.get("sort", "name")
        query = (match, request.get("descending", False), sort)
        if query not in self._sorted:
            pattern = match if set(match) & set("*?") else f"*{match}*"
            found = [
                row
                for name, row in self.pvs.items()
                if fnmatch.fnmatchcase(name.lower(), pattern.lower())
            ]
            key = SORTED_BY.get(sort, sort)
            found.sort(key=lambda row: row[key], reverse=query[1])
            self._sorted = {query: found}
        found = self._sorted[query]
        offset, limit = request.get("offset", 0), request.get("limit", 100)
        return {
            "total": len(self.pvs),
            "matching": len(found),
            "rows": found[offset : offset + min(limit, 1000)],
        }

    def _do_get(self, request: dict[str, Any]) -> dict[str, Any]:
        if request["pv"] not in self.pvs:
            raise LookupError(f"there is no PV {request['pv']!r}")
        value = self.pvs[request["pv"]]["value"]
        plain = {"type": "double", "count": 1, "elements": [value], "unit": "mm"}
        others = {"labels": [], "limits": {}, "desc": "", "asg": "", "readonly": False}
        row = self.pvs[request["pv"]]
        return {**row, **plain, **others, **self.more.get(request["pv"], {})}

    def _do_put(self, request: dict[str, Any]) -> dict[str, Any]:
        self.accepting.wait()
        if self.put_error is not None:
            raise LookupError(self.put_error)
        self.puts.append((request["pv"], request["value"]))
        return {}

    def _do_circuits(self, request: dict[str, Any]) -> dict[str, Any]:
        return {"rows": self.circuits}

    def _do_channels(self, request: dict[str, Any]) -> dict[str, Any]:
        return {"rows": self.channels[request["circuit"]]}

    def _do_slow(self, request: dict[str, Any]) -> dict[str, Any]:
        return {"rows": self.slow, "running": self.running}

    def _do_misses(self, request: dict[str, Any]) -> dict[str, Any]:
        return {"rows": self.misses}
