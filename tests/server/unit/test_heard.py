"""A program that never set up logging hears what is wrong with it, and the remedy.

Each program runs as a user would run it; what counts is its standard error.
"""

from __future__ import annotations

import re
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from support import dbr, wire
from support.environment import server_environment
from support.ports import LOOPBACK, free_port
from support.process import Child
from support.wire import Circuit

TESTS = Path(__file__).parents[2]
ECA_PUTFAIL, ECA_NOWTACCESS, ECA_BADCOUNT = 160, 376, 176
BEGIN = "from pcaspy import Driver, SimpleServer\nserver = SimpleServer()\n"


def environment() -> dict[str, str]:
    """That of a server by itself, which finds the tests' helpers."""
    return server_environment(free_port(), PYTHONPATH=str(TESTS))


def heard(program: str, status: int = 0) -> str:
    """The standard error of a program that ends by itself."""
    done = subprocess.run(
        [sys.executable, "-c", BEGIN + program],
        env=environment(),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == status, done.stderr
    return done.stderr


@pytest.mark.parametrize(
    ("program", "expected"),
    [
        (
            "server.createPV('P:', {'A': {'units': 'V'}, 'B': {'units': 'A'}})",
            "PV 'A': field 'units' has no effect, did you mean 'unit'?\n",
        ),
        (
            "server.createPV('P:', {'A': {}, 'B': {}, 'C': {}})\n"
            "server.createPV('P:', {'A': {}, 'B': {}})",
            "PV P:A and 1 more served already: the new entry takes its place\n",
        ),
        (
            "other = SimpleServer(port=0)\n"
            "server.createPV('P:', {'A': {}})\n"
            "other.createPV('P:', {'A': {}, 'B': {}})",
            "PV P:A served by another server of this process, too: clients find either"
            " one. close() the server that is not needed\n",
        ),
        (
            "server.createPV('P:', {'A': {}})\n"
            "class Port(Driver):\n    port = '/dev/ttyUSB0'\n"
            "driver = Port()\n"
            "server.process(0.01)\nserver.process(0.01)",
            "Port.port is '/dev/ttyUSB0', but no PV has that port: those of PVs are"
            " 'default'. `port` says which PVs a driver serves; for anything else use"
            " another name\n",
        ),
        (
            "server.createPV('P:', {'A': {'type': 'enum', 'enums': ['a' * 30]}})",
            f"PV 'A': label {'a' * 30!r} is cut to {'a' * 25!r}\n",
        ),
        # What is right says nothing.
        (
            "server.createPV('P:', {'A': {'unit': 'V', 'value': 1}})\n"
            "driver = Driver()\ndriver.setParam('A', 2)\ndriver.updatePVs()\n"
            "server.process(0.01)",
            "",
        ),
    ],
    ids=["field", "replaced", "twice", "port", "label", "fine"],
)
def test_what_is_said(program, expected):
    assert heard(program) == expected


def test_a_port_in_use():
    with socket.socket() as taken:
        taken.bind(("", 0))
        taken.listen()
        port = taken.getsockname()[1]
        said = heard(f"server = SimpleServer(port={port})\nserver.process()")
    assert re.fullmatch(
        rf"TCP port {port} is in use: using port \d+\. Clients that search over UDP"
        r" find it; firewalls and EPICS_CA_NAME_SERVERS need the new port\n",
        said,
    )


def test_an_unknown_permission(tmp_path):
    rules = tmp_path / "rules.acf"
    rules.write_text("ASG(DEFAULT) {\n  RULE(1, REWRITE)\n}\n")
    said = heard(f"server.initAccessSecurityFile({str(rules)!r})")
    assert "rules.acf:2: " in said
    assert "REWRITE" in said


WITHOUT_BASE = (
    "Mine.__init__ did not call Driver.__init__: it has to call super().__init__()\n"
)
MINE = """
server.createPV('P:', {'A': {}})
class Mine(Driver):
    def __init__(self):
        self.n = 1
driver = Mine()
"""


def test_a_driver_without_its_base():
    """Programs may call it later, but before the server begins to serve."""
    assert heard(MINE + "server.process(0.01)") == WITHOUT_BASE
    assert heard(MINE + "driver.setParam('A', 1)", status=1).endswith(
        "AttributeError: " + WITHOUT_BASE
    )
    assert heard(MINE + "Driver.__init__(driver)\nserver.process(0.01)") == ""


NAMES = """
server.createPV('P:', {'RAND': {}, 'FAR': {'port': 'far'}})
driver = Driver()
for name in ('P:RAND', 'rand', 'RANDOM', 'FAR', 'P:FAR', 'X'):
    for call in (
        lambda: driver.setParam(name, 1),
        lambda: driver.getParam(name),
        lambda: driver.setParams({name: 1}),
    ):
        try:
            call()
        except KeyError as error:
            assert error.args == (name,)
            sys.stderr.write(f'{error}\\n')
"""


def test_names_that_there_are_not():
    expected = {
        "P:RAND": "; call it 'RAND', without the prefix",
        "rand": "; did you mean 'RAND'?",
        "RANDOM": "; did you mean 'RAND'?",
        "FAR": "; it is in port 'far', which has its own Driver",
        "P:FAR": "; it is in port 'far', which has its own Driver",
        "X": "",
    }
    assert heard("import sys" + NAMES).splitlines() == [
        f"there is no PV {name!r} in port 'default'{text}"
        for name, text in expected.items()
        for _ in range(3)
    ]


SERVES = """
from support.child_side import answer_commands_in_thread, say
rules = 'ASG(DEFAULT) { RULE(1, WRITE) } ASG(READ) { RULE(1, READ) }'
open(RULES, 'w').write(rules)

class Mine(Driver):
    def read(self, reason):
        return self.missing if reason == 'WRONG' else self.getParam(reason)
    def write(self, reason, value):
        if reason == 'WRONG':
            self.missing
        if reason == 'LATE':
            return self.later()
        return reason != 'NO'
    async def later(self):
        return False

server.createPV('P:', {name: {} for name in ('NO', 'WRONG', 'LATE', 'NUMBER')})
server.createPV('P:', {'READ': {'asg': 'READ'}, 'NOBODY': {'port': 'nobody'}})
server.initAccessSecurityFile(RULES)
driver = Mine()
server.start()
answer_commands_in_thread(lambda **command: None)
say('READY', {'tcp_port': server.tcp_port})
while True:
    server.process(0.05)
"""


@pytest.fixture(scope="module")
def serving(tmp_path_factory):
    """A program that refuses puts."""
    rules = repr(str(tmp_path_factory.mktemp("heard") / "rules.acf"))
    program = BEGIN + SERVES.replace("RULES", rules)
    with Child.python("-c", program, env=environment()) as child:
        yield child


@pytest.mark.parametrize(
    ("name", "put", "status", "why"),
    [
        ("NO", (dbr.DOUBLE, 5.0), ECA_PUTFAIL, "PV P:NO: the driver refused a put"),
        ("LATE", (dbr.DOUBLE, 5.0), ECA_PUTFAIL, "PV P:LATE: the driver refused a put"),
        ("WRONG", (dbr.DOUBLE, 5.0), ECA_PUTFAIL, "PV P:WRONG: write failed"),
        (
            "NOBODY",
            (dbr.DOUBLE, 5.0),
            ECA_PUTFAIL,
            "PV P:NOBODY: there is no Driver for its port 'nobody'; make one",
        ),
    ],
)
@pytest.mark.parametrize("callback", [True, False])
def test_a_put_that_the_driver_refuses(serving, name, put, status, why, callback):
    before = len(serving.stderr())
    expect_refusal(serving, name, put, status, callback)
    who = r"; put of 5.0 by tester@testhost \(127.0.0.1:\d+\)\n"
    assert re.match(re.escape(why) + who, said_by(serving, before))


@pytest.mark.parametrize(
    ("name", "put", "status", "why"),
    [
        (
            "READ",
            (dbr.LONG, 7),
            ECA_NOWTACCESS,
            "a put of 7 by WHO: access security does not allow it",
        ),
        (
            "NUMBER",
            (dbr.STRING, b"no\nnumber"),
            ECA_PUTFAIL,
            r"a put of 'no\x0anumber' by WHO: the value is not a number",
        ),
        (
            "NUMBER",
            (dbr.LONG, 1, 2),
            ECA_BADCOUNT,
            "a put of 2 elements by WHO: the number of elements does not fit the PV",
        ),
    ],
)
@pytest.mark.parametrize("callback", [True, False])
def test_a_put_that_the_driver_never_sees(serving, name, put, status, why, callback):
    before = len(serving.stderr())
    expect_refusal(serving, name, put, status, callback)
    who = r"tester@testhost \(127.0.0.1:\d+\)"
    text = re.escape(f"PV P:{name}: refused {why}").replace("WHO", who)
    assert re.fullmatch(text + "\n", said_by(serving, before))


def expect_refusal(child, name, put, status, callback):
    """Makes the put, and waits for what the client is told."""
    base, *elements = put
    with Circuit((LOOPBACK, child.ready["tcp_port"])) as circuit:
        channel = circuit.create(f"P:{name}")
        data = dbr.encode(base, *elements)
        if callback:
            assert circuit.put(channel, base, data, len(elements)).p1 == status
            return
        circuit.send(
            wire.pack(wire.WRITE, data, type=base, count=len(elements), p1=channel.sid)
        )
        assert circuit.expect(wire.ERROR, timeout=60).p2 == status


def said_by(child, before):
    """What was added to the standard error, once there is a whole line."""
    deadline = time.monotonic() + 60
    while not (text := child.stderr()[before:]).endswith("\n"):
        assert time.monotonic() < deadline, "nothing was said"
        time.sleep(0.01)
    return text
