"""Servers and clients on the hosts of a network."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from network_hosts import Host

from support.environment import without_epics
from support.epics_client import SUPPORT, EpicsClient
from support.peer_client import CLIENTS
from support.peers import peer_python
from support.process import Child

HERE = Path(__file__).parent
SERVER = str(HERE / "network_server.py")
SECONDS = 60.0  # only against hanging


def serve(host: Host, prefix: str = "N:", **environment: str) -> Child:
    """Our server with the PVs of network_server.py."""
    command = host.command(sys.executable, SERVER, prefix)
    return Child(command, {**without_epics(), **environment})


def script(host: Host, name: str, *arguments: str) -> Child:
    """A script of this folder."""
    path = str(HERE / f"network_{name}.py")
    return Child(host.command(sys.executable, path, *arguments), without_epics())


class Libca(EpicsClient):
    """EPICS' own client library: through the released aioca, or through ours."""

    def __init__(self, host: Host, *, ours: bool = False, **environment: str) -> None:
        python = sys.executable if ours else str(peer_python("aioca"))
        Child.__init__(
            self,
            host.command(python, str(SUPPORT / "epics_client_side.py")),
            {**without_epics(), "PYTHONPATH": str(SUPPORT), **environment},
        )

    def wait_for(self, name: str, wanted: Callable[[dict[str, Any]], bool]) -> None:
        """The subscription's updates up to one for which `wanted` holds."""
        deadline = time.monotonic() + SECONDS
        while time.monotonic() < deadline:
            if any(wanted(update) for update in self.updates(name, 1, SECONDS)):
                return
        raise AssertionError(f"{name}: not in time")

    def wait_for_value(self, name: str, value: Any) -> None:
        """An update with it."""
        self.wait_for(name, lambda update: update.get("value") == value)


class Foreign(Child):
    """pyepics or caproto: `tests/whole/peer/clients`."""

    def __init__(self, host: Host, name: str, **environment: str) -> None:
        script = str(CLIENTS / f"{name}_client.py")
        super().__init__(
            host.command(str(peer_python(name)), script),
            {**without_epics(), **environment},
        )

    def do(self, do: str, pv: str, **arguments: Any) -> Any:
        return self.ask(SECONDS, do=do, pv=pv, **arguments)

    def events(self, subscription: int) -> list[Any]:
        """What came, at least one."""
        found: list[Any] = self.ask(
            SECONDS + 10,
            do="events",
            subscription=subscription,
            number=1,
            timeout=SECONDS,
        )
        return found

    def value(self, pv: str) -> Any:
        """Connects and reads a PV of whole numbers."""
        self.do("connect", pv, timeout=30)
        return self.do("get", pv, dbr=5, count=1)["value"][0]


def wait_until(holds: Callable[[], Any], seconds: float = SECONDS) -> Any:
    """The first true result; fails if there is none in time."""
    deadline = time.monotonic() + seconds
    while True:
        found = holds()
        if found:
            return found
        assert time.monotonic() < deadline, "not in time"
        time.sleep(0.01)
