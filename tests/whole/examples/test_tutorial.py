"""Each short program of examples/, seen through a client that nobody here wrote."""

import itertools
import random
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from support import dbr, wire
from support.epics_client import ECA_NORMAL, ECA_PUTFAIL, EpicsClient
from support.wire import Circuit

DBE_VALUE, DBE_ALARM, DBE_PROPERTY = 1, 4, 8
WRITE, STATE = 2, 7
HIHI, HIGH, LOLO, LOW = 3, 4, 5, 6
NO_ALARM, MINOR, MAJOR, INVALID = range(4)


def alarm(client, name):
    found = client.get(name, form="time")
    return found["status"], found["severity"]


def test_echo(run, client):
    run("echo")
    for value in (0, -1.23):
        assert client.put("MTEST:RAND", value) == ECA_NORMAL
        assert client.value("MTEST:RAND") == value
    assert client.get("MTEST:RAND")["precision"] == 3


def test_random_number(run, client):
    run("random_number")
    values = [client.value("MTEST:RAND") for _ in range(5)]
    assert len(set(values)) == 5
    assert all(0 <= value < 1 for value in values)


@pytest.mark.alone
def test_random_scan(run, client):
    run("random_scan")
    client.monitor("MTEST:RAND")
    client.updates("MTEST:RAND")  # the value at the time of subscribing
    started = time.monotonic()
    scans = client.updates("MTEST:RAND", count=4)
    took = time.monotonic() - started
    assert 2 < took < 6
    assert len({scan["value"] for scan in scans}) == 4
    assert {scan["severity"] for scan in scans} == {NO_ALARM}
    stamps = [scan["timestamp"] for scan in scans]
    steps = [later - earlier for earlier, later in itertools.pairwise(stamps)]
    assert all(0.7 < step < 1.3 for step in steps), steps
    assert abs(stamps[-1] - time.time()) < 5


def test_random_array(run, client):
    run("random_scan")
    client.monitor("MTEST:LIST")
    for scan in client.updates("MTEST:LIST", count=3)[1:]:
        assert len(set(scan["value"])) == 10
    assert client.get("MTEST:LIST")["element_count"] == 10


def test_shell_command_output(run, client):
    run("shell_command")
    assert client.put("MTEST:COMMAND", "echo hello; echo bad >&2", datatype="text") == 1
    assert client.text("MTEST:OUTPUT") == "hello"
    assert client.text("MTEST:ERROR") == "bad"
    assert client.value("MTEST:STATUS", datatype="string") == "DONE"
    assert client.get("MTEST:STATUS")["enums"] == ["DONE", "BUSY"]


def test_shell_command_put_callback_waits_for_the_end(run, client, tmp_path):
    run("shell_command")
    client.monitor("MTEST:STATUS")
    client.updates("MTEST:STATUS")
    go = tmp_path / "go"
    command = f"until [ -e {go} ]; do sleep 0.05; done; date +%s.%N"
    client.start_put("MTEST:COMMAND", command, datatype="text", seconds=20)
    second = EpicsClient(client.port)
    with second:
        second.monitor("MTEST:STATUS")
        second.next_update("MTEST:STATUS", lambda update: update["value"] == 1)
        go.touch()
        assert client.answer() == ECA_NORMAL
        second.next_update("MTEST:STATUS", lambda update: update["value"] == 0)
    assert float(client.text("MTEST:OUTPUT")) > 0
    states = [update["value"] for update in client.updates("MTEST:STATUS", count=2)]
    assert states == [1, 0]


@pytest.mark.alone
def test_shell_command_sleeps_two_seconds(run, client):
    run("shell_command")
    client.connect("MTEST:COMMAND")
    started = time.monotonic()
    assert client.put("MTEST:COMMAND", "sleep 2", datatype="text") == ECA_NORMAL
    assert time.monotonic() - started >= 2
    started = time.monotonic()
    command = {"datatype": "text", "wait": False}
    assert client.put("MTEST:COMMAND", "sleep 2", **command) == ECA_NORMAL
    assert time.monotonic() - started < 2
    assert client.value("MTEST:STATUS") == 1


def test_shell_command_refuses_a_second_one(run, client, tmp_path):
    run("shell_command")
    client.monitor("MTEST:STATUS")
    go, second = tmp_path / "go", tmp_path / "second"
    first = f"until [ -e {go} ]; do sleep 0.05; done"
    client.put("MTEST:COMMAND", first, datatype="text", wait=False)
    client.next_update("MTEST:STATUS", lambda update: update["value"] == 1)
    client.put("MTEST:COMMAND", f"touch {second}", datatype="text", wait=False)
    assert client.text("MTEST:COMMAND") == first
    assert alarm(client, "MTEST:COMMAND") == (WRITE, INVALID)
    go.touch()
    client.next_update("MTEST:STATUS", lambda update: update["value"] == 0)
    assert client.put("MTEST:COMMAND", "echo again", datatype="text") == ECA_NORMAL
    assert client.text("MTEST:OUTPUT") == "again"
    assert not second.exists()


def test_shell_command_refuses_puts_to_its_results(run, client):
    run("shell_command")
    client.put("MTEST:COMMAND", "echo kept", datatype="text")
    assert client.put("MTEST:OUTPUT", "changed", datatype="text") == ECA_PUTFAIL
    assert client.put("MTEST:ERROR", "changed", datatype="text") == ECA_PUTFAIL
    assert client.put("MTEST:STATUS", "BUSY") == ECA_PUTFAIL
    assert client.text("MTEST:OUTPUT") == "kept"
    assert client.text("MTEST:ERROR") == ""
    assert client.value("MTEST:STATUS") == 0
    assert alarm(client, "MTEST:STATUS") == (WRITE, INVALID)


def test_long_text(run, client):
    run("long_text")
    text = "a text of more than forty characters, " * 4
    assert client.put("MTEST:TEXT", text, datatype="text") == ECA_NORMAL
    assert client.text("MTEST:TEXT") == text
    assert client.value("MTEST:LENGTH") == len(text)
    assert client.put("MTEST:LENGTH", 1) == ECA_PUTFAIL


def test_alarms_of_numbers(run, client):
    run("alarms")
    expected = {
        -30: (LOLO, MAJOR),
        -15: (LOW, MINOR),
        0: (NO_ALARM, NO_ALARM),
        15: (HIGH, MINOR),
        30: (HIHI, MAJOR),
    }
    client.monitor("MTEST:LEVEL", events=DBE_ALARM)
    client.updates("MTEST:LEVEL")
    for value, state in expected.items():
        client.put("MTEST:LEVEL", value)
        assert alarm(client, "MTEST:LEVEL") == state
        update = client.updates("MTEST:LEVEL")[0]
        assert (update["value"], update["status"], update["severity"]) == (
            value,
            *state,
        )
    limits = client.get("MTEST:LEVEL")
    assert limits["lower_alarm_limit"] == -20
    assert limits["lower_warning_limit"] == -10
    assert limits["upper_warning_limit"] == 10
    assert limits["upper_alarm_limit"] == 20


def test_alarms_of_enums(run, client):
    run("alarms")
    expected = {
        "CLOSED": (NO_ALARM, NO_ALARM),
        "OPEN": (STATE, MINOR),
        "BROKEN": (STATE, MAJOR),
    }
    for label, state in expected.items():
        client.put("MTEST:DOOR", label)
        assert alarm(client, "MTEST:DOOR") == state


def test_alarms_of_strings(run, client):
    run("alarms")
    assert alarm(client, "MTEST:MESSAGE") == (NO_ALARM, NO_ALARM)
    client.put("MTEST:MESSAGE", "error: no water")
    assert alarm(client, "MTEST:MESSAGE") == (STATE, MAJOR)
    client.put("MTEST:MESSAGE", "water is back")
    assert alarm(client, "MTEST:MESSAGE") == (NO_ALARM, NO_ALARM)


def test_dynamic_properties(run, client):
    run("dynamic_properties")
    for name in ("MTEST:STATE", "MTEST:ENERGY"):
        client.monitor(name, form="ctrl", events=DBE_PROPERTY)
    assert client.updates("MTEST:STATE")[0]["enums"] == ["ZERO", "ONE"]
    assert client.updates("MTEST:ENERGY")[0]["units"] == ""
    client.put("MTEST:CHANGE", 1)
    labels = ["ZERO", "ONE", "TWO", "THREE"]
    assert client.updates("MTEST:STATE")[0]["enums"] == labels
    assert client.updates("MTEST:ENERGY")[0]["units"] == "eV"
    assert client.put("MTEST:STATE", "THREE") == ECA_NORMAL
    assert client.value("MTEST:STATE") == 3


def test_two_prefixes(run, client):
    run("two_prefixes")
    assert client.get("HALL:TEMPERATURE")["units"] == "C"
    assert client.value("TUNNEL:PRESSURE") == 2e-9
    assert client.put("HALL:TEMPERATURE", 19.5) == ECA_NORMAL
    assert client.put("TUNNEL:PRESSURE", 3e-9) == ECA_NORMAL
    assert client.value("HALL:TEMPERATURE") == 19.5
    assert client.value("TUNNEL:PRESSURE") == 3e-9


def test_two_drivers(run, client):
    run("two_drivers")
    assert client.put("LEFT:POSITION", 1.5) == ECA_NORMAL
    assert client.put("RIGHT:POSITION", 2.5) == ECA_NORMAL
    assert client.value("LEFT:POSITION") == 1.5
    assert client.value("RIGHT:POSITION") == -2.5


def test_shell_command_outlives_clients_without_manners(run, client, port):
    run("shell_command")
    client.connect("MTEST:COMMAND")

    def flood(seed):
        chance = random.Random(seed)
        with Circuit(("127.0.0.1", port)) as circuit:
            channel = circuit.create("MTEST:COMMAND")
            header = {"type": dbr.CHAR, "count": 5, "p1": channel.sid}
            for n in range(2000):
                command = chance.choice((wire.WRITE, wire.WRITE_NOTIFY))
                circuit.send(wire.pack(command, b"true\0", p2=n, **header))
            circuit.drain()

    with ThreadPoolExecutor(4) as pool:
        for done in [pool.submit(flood, seed) for seed in range(4)]:
            done.result()
    put = {"datatype": "text", "seconds": 60}
    while client.put("MTEST:COMMAND", "echo alive", **put) != ECA_NORMAL:
        pass  # a command of the flood still runs
    assert client.text("MTEST:OUTPUT") == "alive"


@pytest.mark.parametrize(
    ("name", "pvs"),
    {
        "alarms": ["MTEST:LEVEL", "MTEST:DOOR", "MTEST:MESSAGE"],
        "dynamic_properties": ["MTEST:CHANGE", "MTEST:STATE", "MTEST:ENERGY"],
        "echo": ["MTEST:RAND"],
        "long_text": ["MTEST:TEXT", "MTEST:LENGTH"],
        "random_number": ["MTEST:RAND"],
        "shell_command": [f"MTEST:{n}" for n in ("COMMAND", "OUTPUT", "STATUS")],
        "two_drivers": ["LEFT:POSITION", "RIGHT:POSITION"],
        "two_prefixes": ["HALL:TEMPERATURE", "TUNNEL:PRESSURE"],
    }.items(),
)
def test_what_is_known_at_the_start_is_in_no_alarm(run, client, name, pvs):
    run(name)
    assert {pv: alarm(client, pv) for pv in pvs} == dict.fromkeys(pvs, (0, NO_ALARM))
