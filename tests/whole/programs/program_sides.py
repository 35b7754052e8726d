"""One program on the released package and on this project's in its place.

The program's environment below .peers has the released packages. This project's are
put before them with PYTHONPATH, so that both sides have everything else in common.
"""

from __future__ import annotations

import contextlib
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from program_client import Client

from support import changes, wire
from support.environment import server_environment
from support.peers import peer_python
from support.ports import free_port

SOURCES = Path(__file__).parents[3] / "src"
SERVERS = Path(__file__).parent / "servers"
RELEASED, HERE = "released", "here"
SIDES = (RELEASED, HERE)
STOP_SECONDS = 60.0


def interpreter(side: str, peer: str) -> str:
    """What runs a program; one that needs pcaspy alone runs here as the tests do."""
    return (
        sys.executable if side == HERE and peer == "pcaspy" else str(peer_python(peer))
    )


def environment(side: str) -> dict[str, str]:
    """What puts this project's packages before the released ones, or leaves those."""
    return {"PYTHONPATH": str(SOURCES)} if side == HERE else {}


class Program:
    """A running program; what it prints goes to a file.

    Args:
        side: RELEASED or HERE.
        peer: Its environment below .peers.
        argv: What its interpreter runs.
        folder: Where it runs.
        port: Its search port; a free one if not given.
        changes: EPICS_* variables to add, replace or (None) remove.
    """

    def __init__(
        self,
        side: str,
        peer: str,
        argv: Sequence[str],
        folder: Path | None = None,
        port: int | None = None,
        **changes: str | None,
    ) -> None:
        self.side = side
        self.port = port or free_port()
        self._output = tempfile.TemporaryFile(mode="w+")
        # Access security has a client of its own, which looks for the program's PVs.
        self.spare_port = free_port()
        own = {
            "EPICS_CA_SERVER_PORT": str(self.port),
            "SPARE_PORT": str(self.spare_port),
        }
        own["EPICS_CA_REPEATER_PORT"] = str(free_port())
        env = server_environment(self.port, **{**own, **changes})
        env.pop("PYTHONPATH", None)
        self.process = subprocess.Popen(
            [interpreter(side, peer), *argv],
            env={**env, **environment(side)},
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=self._output,
            stderr=subprocess.STDOUT,
        )

    def __enter__(self) -> Program:
        return self

    def __exit__(self, kind: object, *_exc: object) -> None:
        self.stop(failed=kind is not None)

    def stop(self, *, failed: bool = False) -> None:
        """Kill it; show what it printed if the test failed or it had ended already."""
        alive = self.process.poll() is None
        with contextlib.suppress(ProcessLookupError):
            self.process.kill()
        self.process.wait(STOP_SECONDS)
        if failed or not alive:
            print(f"--- {self.side}, exit status {self.process.returncode} ---")
            print(self.printed())
        self._output.close()

    def printed(self) -> str:
        """Everything it has printed so far."""
        self._output.flush()
        name = f"/proc/self/fd/{self._output.fileno()}"
        with open(name, errors="replace") as text:
            return text.read()


def assert_refused(status: int, program: Program) -> None:
    """A put that `write` answers with False: see the change "write-false"."""
    assert changes.load("pcaspy")["write-false"]
    refusal = {RELEASED: wire.ECA_NORMAL, HERE: wire.ECA_PUTFAIL}
    assert status == refusal[program.side]


def assert_same(seen: dict[str, Any]) -> None:
    """Both sides saw the same, but for the change "limits-not-given"."""
    assert changes.load("pcaspy")["limits-not-given"]
    assert absent_as_0(seen[HERE], seen[RELEASED]) == seen[RELEASED]


def absent_as_0(ours: Any, released: Any) -> Any:
    """What we told, with 0 for a NaN where the released package told 0."""
    if isinstance(ours, dict) and isinstance(released, dict):
        return {key: absent_as_0(ours[key], released.get(key)) for key in ours}
    if isinstance(ours, (list, tuple)) and isinstance(released, (list, tuple)):
        if len(ours) != len(released):
            return ours
        pairs = zip(ours, released, strict=True)
        return type(ours)([absent_as_0(one, other) for one, other in pairs])
    absent = isinstance(ours, float) and ours != ours and released == 0
    return released if absent else ours


def at_once(run: Callable[[str], Any]) -> dict[str, Any]:
    """`run(side)` for both sides, side by side; what they returned."""
    with ThreadPoolExecutor(len(SIDES)) as pool:
        return dict(zip(SIDES, pool.map(run, SIDES), strict=True))


Drive = Callable[[Client, Program], Any]


def on_both(peer: str, argv: Sequence[str], drive: Drive, **options: Any) -> Any:
    """Run a program on both sides, drive both alike, and compare what was seen.

    Returns:
        What `drive` returned on the released side, which the other side equals.
    """

    def run(side: str) -> Any:
        with Program(side, peer, argv, **options) as program:
            with Client(program.port) as client:
                found = drive(client, program)
            assert program.process.poll() is None, f"the program ended, {side}"
        return found

    seen = at_once(run)
    assert_same(seen)
    return seen[RELEASED]
