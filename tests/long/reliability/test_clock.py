"""The wall clock steps under a running server: timers go on, stamps follow it."""

import os
import struct
import subprocess
import time
from pathlib import Path

import pytest

from support import dbr, wire
from support.environment import server_environment
from support.ports import LOOPBACK, free_port
from support.process import Child
from support.wire import ECA_NORMAL, EVENT_ADD, Circuit

HERE = Path(__file__).parent
DAY = 86400


@pytest.fixture
def clock(tmp_path):
    """The file whose number of seconds the server's clock is off by."""
    file = tmp_path / "offset"
    file.write_bytes(bytes(8))
    return file


@pytest.fixture
def server(tmp_path, clock):
    """The busy server, with a wall clock that the test sets."""
    shim = tmp_path / "clock_shim.so"
    source = str(HERE / "clock_shim.c")
    subprocess.run(
        ["gcc", "-shared", "-fPIC", "-O1", "-o", str(shim), source, "-ldl"], check=True
    )
    env = server_environment(free_port())
    preload = " ".join(filter(None, (os.environ.get("LD_PRELOAD"), str(shim))))
    env |= {"LD_PRELOAD": preload, "CLOCK_SHIM_FILE": str(clock)}
    with Child.python(str(HERE / "busy_server.py"), env=env) as child:
        yield child
        assert child.alive()


def test_the_clock_steps(server, clock):
    with Circuit((LOOPBACK, server.ready["tcp_port"])) as circuit:
        scan = circuit.create("B:SCAN0")
        echo = circuit.create("B:ECHO")
        subid, _first = circuit.subscribe(scan, dbr.TIME + dbr.LONG)
        for number, offset in enumerate((DAY, -DAY, -20 * 365 * DAY, 365 * DAY, 0)):
            with clock.open("r+b") as file:
                file.write(struct.pack("=q", offset))
            assert abs(server.ask(do="wall_clock") - time.time() - offset) < 5
            circuit.send(
                wire.pack(
                    wire.WRITE_NOTIFY,
                    struct.pack(">i", number),
                    type=dbr.LONG,
                    count=1,
                    p1=echo.sid,
                    p2=1000 + number,
                )
            )
            wanted, stamped = {wire.WRITE_NOTIFY, EVENT_ADD}, False
            end = time.monotonic() + 10
            while wanted or not stamped:
                assert time.monotonic() < end
                message = circuit.receive()
                wanted.discard(message.command)
                if message.command == EVENT_ADD and message.p2 == subid:
                    seconds = struct.unpack_from(">I", message.payload, 4)[0]
                    unix = seconds + 631152000
                    stamped = stamped or abs(unix - time.time() - offset) < 5
                else:
                    assert message.p1 == ECA_NORMAL
