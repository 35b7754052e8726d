"""Servers and clients of PVAccess for these tests: each is a process of its own."""

from __future__ import annotations

import itertools
import os
from pathlib import Path
from typing import Any

from support.environment import without_epics
from support.peers import peer_python
from support.ports import LOOPBACK, free_port
from support.process import Child

HERE = Path(__file__).parent
DATABASES = (HERE.parents[1] / "servers" / "common.db", HERE / "more.db")
SECONDS = 60.0
_numbers = itertools.count(1)


def server_environment(**changes: str) -> dict[str, str]:
    """For a server of both protocols on loopback, without beacons."""
    return {
        **without_epics(),
        "EPICS_CAS_INTF_ADDR_LIST": LOOPBACK,
        "EPICS_CAS_AUTO_BEACON_ADDR_LIST": "NO",
        "EPICS_CA_AUTO_ADDR_LIST": "NO",
        "EPICS_CA_ADDR_LIST": LOOPBACK,
        "EPICS_PVAS_INTF_ADDR_LIST": LOOPBACK,
        "EPICS_PVAS_AUTO_BEACON_ADDR_LIST": "NO",
        "EPICS_PVAS_SERVER_PORT": "0",
        "EPICS_PVAS_BROADCAST_PORT": "0",
        **changes,
    }


class PvaServer:
    """A process that serves PVs under a prefix of its own."""

    def __init__(self, child: Child, prefix: str) -> None:
        self.child, self.prefix = child, prefix
        self.udp = int(child.ready["pva_udp_port"])
        self.tcp = int(child.ready["pva_tcp_port"])

    def __enter__(self) -> PvaServer:
        return self

    def __exit__(self, *_exc: object) -> None:
        self.stop()

    def stop(self) -> None:
        """It must still be alive, and end without an error status."""
        alive, errors = self.child.alive(), self.child.stderr()
        status = self.child.stop()
        assert alive, f"the server ended with status {status}\n{errors}"
        assert status == 0, f"exit status {status}\n{errors}"

    def ask(self, do: str, **arguments: Any) -> Any:
        """What the server answers to a command."""
        return self.child.ask(SECONDS, do=do, **arguments)

    def stats(self) -> dict[str, int]:
        """Its counters."""
        return self.ask("stats")

    def pv(self, name: str) -> str:
        """The full name."""
        return self.prefix + name


def new_prefix() -> str:
    """One that no other server has."""
    return f"P{os.getpid()}:{next(_numbers)}:"


def ours(
    *options: str, prefix: str = "", script: str = "pva_side.py", **environment: str
) -> PvaServer:
    """Our server, which runs this script."""
    prefix = prefix or new_prefix()
    env = server_environment(**environment)
    script = str(HERE / script)
    return PvaServer(Child.python(script, prefix, *options, env=env), prefix)


def reference(prefix: str = "") -> PvaServer:
    """QSRV2 with the same PVs."""
    prefix = prefix or new_prefix()
    ports = ("EPICS_PVAS_SERVER_PORT", "EPICS_PVAS_BROADCAST_PORT")
    env = server_environment(**{name: str(free_port()) for name in ports})
    env["EPICS_CAS_SERVER_PORT"] = str(free_port())
    script = str(HERE / "qsrv_side.py")
    databases = [str(path) for path in DATABASES]
    argv = [str(peer_python("softioc")), script, prefix, *databases]
    return PvaServer(Child(argv, env), prefix)


class Client:
    """A client in a process of its own. Names of PVs are without the prefix."""

    def __init__(
        self,
        server: PvaServer,
        environment: str = "p4p",
        script: str = "p4p_side.py",
        **changes: str,
    ) -> None:
        self.server = server
        env = {
            **without_epics(),
            "EPICS_PVA_ADDR_LIST": LOOPBACK,
            "EPICS_PVA_AUTO_ADDR_LIST": "NO",
            "EPICS_PVA_BROADCAST_PORT": str(server.udp),
            **changes,
        }
        self.child = Child([str(peer_python(environment)), str(HERE / script)], env)

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *_exc: object) -> None:
        self.child.stop()

    def ask(self, do: str, _seconds: float = SECONDS + 30, /, **arguments: Any) -> Any:
        """What the client answers to a command."""
        if "pv" in arguments:
            arguments["pv"] = self.server.pv(arguments["pv"])
        return self.child.ask(_seconds, do=do, **arguments)

    def get(self, name: str, request: str | None = None) -> dict[str, Any]:
        """One reading."""
        found: dict[str, Any] = self.ask("get", pv=name, request=request)
        return found

    def value(self, name: str) -> Any:
        """The value, or the index of an enum."""
        fields = self.get(name)["fields"]
        return fields["value"] if "value" in fields else fields["value.index"]

    def put(
        self, name: str, value: Any, request: str | None = None, *, first: bool = True
    ) -> str | None:
        """The error, None if it was accepted; `value` is of the field, or a dict."""
        error: str | None = self.ask(
            "put", pv=name, value=value, request=request, first=first
        )
        return error

    def begin_put(self, name: str, value: Any, request: str | None = None) -> int:
        """Its number; the put goes on."""
        number = next(_numbers)
        self.ask("begin_put", number=number, pv=name, value=value, request=request)
        return number

    def end_put(self, number: int, seconds: float = SECONDS) -> list[Any]:
        """["done", error or None], or ["waits"] after that time."""
        found: list[Any] = self.ask("end_put", number=number, seconds=seconds)
        return found

    def monitor(self, name: str, request: str | None = None) -> int:
        """Its number."""
        number = next(_numbers)
        wanted = {} if request is None else {"request": request}
        self.ask("monitor", number=number, pv=name, **wanted)
        return number

    def events(self, number: int, count: int, seconds: float = SECONDS) -> list[Any]:
        """So many events."""
        found = self.ask("events", number=number, count=count, seconds=seconds)
        told = f"{len(found)} events of {count} from {self.server.child.argv[1]}"
        assert len(found) == count, f"{told}: {found}\n{self.child.stderr()[-2000:]}"
        return found

    def until(self, number: int, value: Any) -> list[Any]:
        """The values that come, up to this one."""
        found: list[Any] = self.ask("until", number=number, value=value)
        assert found[-1:] == [value], found[-20:]
        return found

    def connected(self, number: int) -> dict[str, Any]:
        """The first value of a monitor: p4p tells ahead of it that it has none yet."""
        (event,) = self.events(number, 1)
        if event == "disconnected":
            (event,) = self.events(number, 1)
        return event

    def cancel(self, number: int) -> None:
        """End a monitor."""
        self.ask("cancel", number=number)
