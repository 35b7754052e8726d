"""`pcaspy serve --state`: values survive the end of the process, and reloads."""

import signal

import pytest

from pcaspy.state.format import parse
from support import dbr
from support.ports import LOOPBACK
from support.wire import Circuit

YAML = """
    prefix: "X:"
    pvdb:
      A: {autosave: true}
      B: {}
      C: {}
"""
PYTHON = """
    from pcaspy import Driver

    pvdb = {"A": {"autosave": True}}
    prefix = "X:"

    class Twice(Driver):
        def restore(self, reason, value):
            super().restore(reason, value * FACTOR)
"""


def value(port, name):
    """As a new client gets it; the one of other tests searches for long."""
    with Circuit((LOOPBACK, port)) as circuit:
        answer = circuit.get(circuit.create(name), dbr.DOUBLE)
    return dbr.decode(dbr.DOUBLE, 1, answer.payload).scalar


def values_in(path):
    parsed = parse(path.read_bytes())
    assert parsed.damaged is None
    return {name: entry["value"] for name, entry in parsed.entries.items()}


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_values_survive_a_signal(serve, client, port, file, tmp_path, number):
    path = tmp_path / "axis.state"
    pvdb = file("axis.yaml", YAML)
    command = serve(pvdb, "--state", path, "--autosave", "B", "--log-level", "warning")
    for name in "ABC":
        client.put(f"X:{name}", 5)
    command.signal(number)
    status, _, err = command.wait()
    assert (status, err) == (0, "")
    assert values_in(path) == {"X:A": 5.0, "X:B": 5.0}
    serve(pvdb, "--state", path, "--autosave", "B")
    assert [value(port, f"X:{name}") for name in "ABC"] == [5.0, 5.0, 0.0]


def test_reloads_keep_values(serve, client, port, file, tmp_path):
    """Also of a PV that is left out for a while, and of one of another type."""
    path = tmp_path / "axis.state"
    pvdb = file("axis.yaml", YAML.replace("B: {}", "B: {autosave: true}"))
    command = serve(pvdb, "--state", path, "--reload")
    client.put("X:A", 5)
    client.put("X:B", 6)
    file("axis.yaml", YAML.replace("B: {}", "").replace("A: {", "A: {type: int, "))
    command.line_with(command.err, "reloaded")
    assert value(port, "X:A") == 5.0
    file("axis.yaml", YAML.replace("B: {}", "B: {autosave: true, unit: mm}"))
    command.line_with(command.err, "reloaded")
    assert [value(port, f"X:{name}") for name in "AB"] == [5.0, 6.0]


def test_a_program_that_begins_anew_keeps_values(serve, client, port, file, tmp_path):
    path = tmp_path / "axis.state"
    program = file("axis.py", PYTHON.replace("FACTOR", "2"))
    command = serve(program, "--state", path, "--reload")
    client.put("X:A", 5)
    file("axis.py", PYTHON.replace("FACTOR", "20"))
    command.line_with(command.err, "beginning anew")
    command.line_with(command.out, "serving")
    assert value(port, "X:A") == 100.0


def test_a_damaged_file_is_told(serve, client, file, tmp_path):
    path = tmp_path / "axis.state"
    path.write_bytes(b'{"pcaspy":"state","version":1,"sav')
    command = serve(file("axis.yaml", YAML), "--state", path)
    assert "is damaged" in command.line_with(command.err, "axis.state")
    client.put("X:A", 5)


def test_a_wrong_entry_names_its_line(run, file):
    wrong = file("axis.yaml", YAML.replace("true", "0.01"))
    status, _, err = run("check", wrong)
    assert status == 1
    assert ":4: PV 'A': field 'autosave' is 0.01, allowed is a bool, a period" in err
