"""Intended changes that one program on one server cannot show, and the table itself."""

from __future__ import annotations

import contextlib
import struct
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from compat_client import SECONDS, Side
from compat_explain import RULES
from test_server_cases import CHANGED

from support import changes, dbr, wire
from support.environment import server_environment
from support.peers import peer_python
from support.ports import LOOPBACK, free_port, udp_socket
from support.wire import Circuit, Closed, Silence

pytestmark = pytest.mark.timeout(300)

Both = tuple[Side, Side]
SHOWN_HERE = set()


def shows(row: str) -> Callable[[Any], Any]:
    """Says which row of the table a test shows."""
    SHOWN_HERE.add(row)
    return lambda test: test


@pytest.fixture
def fresh() -> Iterator[Callable[..., Both]]:
    """Starts the released server and ours, with more variables, for one test."""
    started: list[Side] = []

    def start(**environment: str) -> Both:
        started.append(Side(str(peer_python("pcaspy")), False, **environment))
        started.append(Side(sys.executable, True, **environment))
        return started[0], started[1]

    yield start
    for side in started:
        side.stop()


def both_run(sides: Both, *lines: str) -> list[Any]:
    """The result of some lines on each side; an exception by its class."""
    told = [side.ask(do="run", lines=list(lines)) for side in sides]
    return [t["raised"] if isinstance(t, dict) and "raised" in t else t for t in told]


def begin(sides: Both, pvs: dict[str, Any], **program: Any) -> None:
    for side in sides:
        assert side.begin("F:", {"pvs": pvs, **program}) is None


def one_get(side: Side, name: str, type: int = dbr.DOUBLE, count: int = 1) -> int:
    """The status of a get."""
    with Circuit((LOOPBACK, side.port)) as circuit:
        return circuit.get(circuit.create(name), type, count).p1


@shows("driver-base")
def test_the_base_class_is_a_driver(fresh):
    sides = fresh()
    both_run(
        sides,
        "pcaspy.SimpleServer.createPV('F:', {'D': {}})",
        "side.base = pcaspy.Driver()",
    )
    assert [one_get(side, "F:D") for side in sides] == [
        wire.ECA_GETFAIL,
        wire.ECA_NORMAL,
    ]


@shows("record-fields")
def test_pvs_have_fields(fresh):
    sides = fresh()
    begin(sides, {"A": {"unit": "mm"}, "A.EGU": {"value": 5}})
    found = []
    for side in sides:
        names = ("A.EGU", "A.VAL", "A.DESC", 'A.{"dec":{"n":2}}')
        with Circuit((LOOPBACK, side.port)) as circuit:
            for cid, name in enumerate(names):
                circuit.send(wire.create_request(f"F:{name}", cid))
            replies = [circuit.receive() for _ in names]
            while len({reply.p1 for reply in replies}) < len(names):
                replies.append(circuit.receive())
        found.append(
            [
                all(r.command != wire.CREATE_CH_FAIL for r in replies if r.p1 == cid)
                for cid in range(len(names))
            ]
        )
    assert found == [[True, False, False, False], [True] * 4]


@shows("own-pvs")
def test_servers_have_pvs_of_their_own(fresh):
    lines = (
        "manager.pvf['F:SHARED'] = None",
        "side.other = pcaspy.SimpleServer()",
        "result = 'F:SHARED' in manager.pvf",
    )
    assert both_run(fresh(), *lines) == [True, False]


@shows("neighbours")
@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="a matter of Linux")
def test_servers_at_one_port_are_found_by_a_search_to_one_address():
    found = []
    for python, ours in (str(peer_python("pcaspy")), False), (sys.executable, True):
        port = free_port()
        with contextlib.ExitStack() as stack:
            datagram = b""
            for n in range(2):
                side = Side(python, ours, EPICS_CAS_SERVER_PORT=str(port))
                stack.callback(side.stop)
                assert side.begin(f"F{n}:", {"pvs": {"A": {}}}) is None
                datagram += wire.search_request(f"F{n}:A", n)
            sock = stack.enter_context(udp_socket(SECONDS))
            cids = []
            for _ in range(2 if ours else 4):
                if not ours or not cids:
                    sock.sendto(wire.version(1) + datagram, (LOOPBACK, port))
                messages = wire.unpack_all(sock.recv(2048))
                cids += [m.p2 for m in messages if m.command == wire.SEARCH]
            found.append(len(set(cids)))
    assert found == [1, 2]


@shows("at-once")
def test_a_get_does_not_wait_for_process(fresh, tmp_path):
    sides = fresh()
    begin(sides, {"A": {}})
    for side in sides:
        gate = tmp_path / f"{side.threaded}"
        with Circuit((LOOPBACK, side.port)) as circuit:
            channel = circuit.create("F:A")
            # From here on the program does not come to call process().
            begun = tmp_path / f"{side.threaded} begun"
            side.child.tell(
                do="run",
                lines=[
                    "import os, time",
                    f"os.mkdir({str(begun)!r})",
                    f"while not os.path.exists({str(gate)!r}): time.sleep(0.01)",
                ],
            )
            deadline = time.monotonic() + SECONDS
            while not begun.exists():
                assert time.monotonic() < deadline
                time.sleep(0.01)
            request = wire.pack(
                wire.READ_NOTIFY, type=dbr.DOUBLE, count=1, p1=channel.sid, p2=9
            )
            circuit.send(request)
            if side.threaded:
                circuit.expect(wire.READ_NOTIFY, timeout=SECONDS, p2=9)
            else:
                with pytest.raises(Silence):
                    circuit.receive(timeout=1)
            gate.touch()
            side.child.answer(SECONDS)
            if not side.threaded:
                circuit.expect(wire.READ_NOTIFY, timeout=SECONDS, p2=9)


def acknowledged(side: Side) -> tuple[int, bytes, bytes]:
    """Status of an acknowledgement; ACKT and ACKS of an alarm before and after it."""
    with Circuit((LOOPBACK, side.port)) as circuit:
        channel = circuit.create("F:H")
        circuit.write(channel, dbr.DOUBLE, struct.pack(">d", 9))

        def told() -> bytes:
            return circuit.get(channel, dbr.STSACK_STRING).payload[4:8]

        before = told()
        status = circuit.put(channel, dbr.PUT_ACKS, b"\0\3").p1
        return status, before, told()


@shows("acknowledgement")
def test_alarms_can_be_acknowledged(fresh):
    sides = fresh()
    begin(sides, {"H": {"high": 5, "low": -5}})
    released, here = [acknowledged(side) for side in sides]
    assert here == (wire.ECA_NORMAL, b"\0\1\0\1", b"\0\1\0\0")
    assert released == (wire.ECA_NORMAL, bytes(4), bytes(4))


@shows("labels-cut")
def test_labels_are_cut_when_they_change_too(fresh):
    sides = fresh()
    begin(sides, {"E": {"type": "enum", "enums": ["a"]}})
    lines = (
        "driver.setParamEnums('E', ['x' * 30])",
        "result = len(driver.getParamInfo('E')['enums'][0])",
    )
    assert both_run(sides, *lines) == [30, 25]


@shows("large-arrays")
def test_large_arrays_need_no_setting(fresh):
    sides = fresh(EPICS_CA_MAX_ARRAY_BYTES="16384")
    begin(sides, {"W": {"count": 5000}})
    released, ours = sides
    assert one_get(ours, "F:W", count=5000) == wire.ECA_NORMAL
    with Circuit((LOOPBACK, released.port)) as circuit:
        channel = circuit.create("F:W")
        request = wire.pack(
            wire.READ_NOTIFY, type=dbr.DOUBLE, count=5000, p1=channel.sid, p2=9
        )
        circuit.send(request)
        assert circuit.receive(SECONDS).command == wire.ERROR


@shows("scan")
def test_a_scan_goes_on_after_an_exception(fresh):
    sides = fresh()
    setup = (
        "side.reads = 0",
        "class Fails(pcaspy.Driver):",
        "    port = 'scanned'",
        "    def read(self, reason):",
        "        side.reads += 1",
        "        raise RuntimeError('this reading fails')",
        "pcaspy.SimpleServer.createPV('F:', {'S': {'scan': 0.05, 'port': 'scanned'}})",
        "side.scanned = Fails()",
    )
    both_run(sides, *setup)
    released, ours = sides
    until(lambda: both_run((ours, ours), "result = side.reads")[0] >= 3)
    lines = "result = manager.pvf['F:S'].tid.is_alive()"
    until(lambda: both_run((released, released), lines)[0] is False)
    assert both_run((released, released), "result = side.reads")[0] == 1


def until(condition: Callable[[], bool]) -> None:
    """Waits for something to become true."""
    deadline = time.monotonic() + SECONDS
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


@shows("exit")
def test_ctrl_c_ends_a_program_with_a_server_thread():
    program = (
        "import signal, pcaspy, pcaspy.tools\n"
        "server = pcaspy.SimpleServer()\n"
        "pcaspy.tools.ServerThread(server).start()\n"
        "print('serves', flush=True)\n"
        "signal.raise_signal(signal.SIGINT)\n"
    )
    env = server_environment(free_port())
    ours = subprocess.Popen(
        [sys.executable, "-c", program], env=env, stderr=subprocess.DEVNULL
    )
    released = subprocess.Popen(
        [str(peer_python("pcaspy")), "-c", program],
        env=env,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    with ours, released:
        try:
            assert ours.wait(SECONDS) != 0
            while "KeyboardInterrupt" not in released.stderr.readline():
                assert released.poll() is None
            with pytest.raises(subprocess.TimeoutExpired):
                released.wait(1)
        finally:
            ours.kill()
            released.kill()


def test_nothing_answers_after_a_server_thread_stopped():
    program = (
        "import sys, pcaspy, pcaspy.tools\n"
        "server = pcaspy.SimpleServer()\n"
        "server.createPV('T:', {'A': {}})\n"
        "class Own(pcaspy.Driver): pass\n"
        "driver = Own()\n"
        "for turn in range(2):\n"
        "    thread = pcaspy.tools.ServerThread(server)\n"
        "    thread.start()\n"
        "    print('serves', flush=True)\n"
        "    sys.stdin.readline()\n"
        "    thread.stop()\n"
        "    thread.join()\n"
        "    print('stopped', flush=True)\n"
        "    sys.stdin.readline()\n"
    )
    for python in (str(peer_python("pcaspy")), sys.executable):
        port = free_port()
        with subprocess.Popen(
            [python, "-c", program],
            env=server_environment(port),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        ) as child:
            for expected in ["serves", "stopped"] * 2:
                assert child.stdout.readline() == expected + "\n"
                if expected == "serves":
                    until(lambda port=port: answers(port, SECONDS))
                else:
                    assert not answers(port, 0.5)
                child.stdin.write("\n")
                child.stdin.flush()


def answers(port: int, patience: float) -> bool:
    """Whether a get on a new circuit is answered in that time."""
    try:
        with Circuit((LOOPBACK, port), greet=False) as circuit:
            circuit.send(wire.version() + wire.create_request("T:A", 1))
            circuit.expect(wire.VERSION, timeout=patience)
            return circuit.receive(patience).command == wire.ACCESS_RIGHTS
    except (ConnectionError, Silence, Closed):
        return False


BAD_ENTRIES = {
    "{'type': 'quad'}": ["KeyError", "ValueError"],
    "{'count': 0}": [None, "ValueError"],
    "{'count': 'many'}": ["TypeError", "ValueError"],
    "{'unit': 5}": [None, "ValueError"],
    "{'scan': -1}": [None, "ValueError"],
    "{'low': 'a', 'high': 5}": ["TypeError", "ValueError"],
    "{'type': 'int', 'value': 'three'}": [None, "ValueError"],
    "5": ["AttributeError", "ValueError"],
}


@shows("bad-pvdb")
def test_a_wrong_pvdb_is_refused(fresh):
    sides = fresh()
    for entry, expected in BAD_ENTRIES.items():
        lines = f"pcaspy.SimpleServer.createPV('F:', {{'X': {entry}}})"
        assert both_run(sides, lines) == expected, entry


@shows("more-types")
def test_types_that_the_released_server_does_not_know(fresh):
    sides = fresh()
    for name in ("int64", "uint8", "float32", "bool", "text"):
        lines = (
            f"pcaspy.SimpleServer.createPV('M:', {{'{name}': {{'type': '{name}'}}}})"
        )
        assert both_run(sides, lines) == ["KeyError", None], name


# ---- access security ----

MARK = "\nASG(mark) { RULE(1, READ) RULE(1, WRITE) }\n"
TUTORIAL = """
ASG(fill) {
    INPA($(P)LEVEL)
    RULE(1, READ)
    RULE(1, WRITE) { CALC("A<5") }
}
"""
GROUPS = """
UAG(operators) { joe }
ASG(readback) { RULE(1, READ) RULE(0, WRITE) }
ASG(two) { RULE(2, WRITE) }
ASG(people) { RULE(1, READ) RULE(1, WRITE) { UAG(operators) } }
ASG(none)
"""
PVS = {
    "PLAIN": {},
    "READBACK": {"asg": "readback"},
    "TWO": {"asg": "two"},
    "PEOPLE": {"asg": "people"},
    "NONE": {"asg": "none"},
    "MISSING": {"asg": "missing"},
    "DEFAULT": {"asg": "DEFAULT"},
}


def rights(side: Side, names: dict[str, Any], user: str = "joe") -> dict[str, int]:
    """What a client may do with each PV."""
    with Circuit((LOOPBACK, side.port), user=user) as circuit:
        return {name: circuit.create("F:" + name).rights for name in names}


@pytest.fixture
def with_rules(fresh, tmp_path) -> Callable[..., Both]:
    """Starts both with an access security file, and PVs."""

    def start(rules: str, pvs: dict[str, Any]) -> Both:
        path = tmp_path / "rules.acf"
        path.write_text(rules + MARK)
        sides: Both = fresh(COMPAT_RULES=str(path), COMPAT_PREFIX="F:")
        begin(sides, pvs)
        return sides

    return start


def test_the_tutorial_of_access_security(with_rules):
    sides = with_rules(TUTORIAL, {"LEVEL": {}, "FILL": {"asg": "fill"}})
    for side in sides:
        assert rights(side, {"LEVEL": {}, "FILL": {}}) == {"LEVEL": 3, "FILL": 1}
        for level, expected in ((3.0, 3), (6.0, 1), (4.0, 3)):
            with Circuit((LOOPBACK, side.port)) as circuit:
                channel = circuit.create("F:LEVEL")
                data = dbr.encode(dbr.DOUBLE, level)
                assert circuit.put(channel, dbr.DOUBLE, data).p1 == wire.ECA_NORMAL
            # The rule's input is read over the network: wait until it is there.
            until(lambda s=side, r=expected: rights(s, {"FILL": {}})["FILL"] == r)


@pytest.mark.parametrize("user", ["joe", "sue"])
def test_rights_without_a_default_group(with_rules, user):
    released, ours = with_rules(GROUPS, PVS)
    assert rights(ours, PVS, user) == rights(released, PVS, user)


@shows("access-default")
@shows("access-unknown-group")
def test_rights_with_a_default_group(with_rules):
    sides = with_rules(GROUPS + "ASG(DEFAULT) { RULE(1, READ) }", PVS)
    released, ours = (rights(side, PVS) for side in sides)
    assert released == {**ours, "PLAIN": 3, "MISSING": 1}
    assert (ours["PLAIN"], ours["MISSING"]) == (1, 0)


# ---- the table ----


def test_every_row_is_shown_and_every_rule_has_its_row():
    table = changes.load("pcaspy")
    rows = {name for name, row in table.items() if not row.names}
    by_program = {row for _, named in CHANGED.values() for row in named}
    assert rows <= by_program | SHOWN_HERE <= set(table)
    assert set(RULES) <= set(table)
