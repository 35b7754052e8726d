"""`pcaspy state` shows and changes files of values."""

import io
import json
import math
import sys

import numpy
import pytest
from state_support import Kept, values_in

from pcaspy.__main__ import main

PVDB = {
    "F": {},
    "I": {"type": "short"},
    "U": {"type": "uint64"},
    "E": {"type": "enum", "enums": ["off", "on"]},
    "B": {"type": "bool"},
    "S": {"type": "string"},
    "T": {"type": "text", "count": 10},
    "C": {"type": "char"},
    "CS": {"type": "char", "count": 5},
    "A": {"count": 3},
    "EA": {"type": "enum", "enums": ["off", "on"], "count": 2},
    "LONG": {"count": 200},
    "TAB": {"type": "table", "columns": {"x": "float"}},
    "IMG": {"type": "ndarray"},
}
VALUES = {
    "F": 1.5,
    "I": 1,
    "U": 2**64 - 1,
    "E": 1,
    "B": True,
    "S": "a b",
    "T": "text",
    "C": 65,
    "CS": "abc",
    "A": [1, math.nan],
    "EA": [0, 1],
    "LONG": [float(n) for n in range(200)],
    "TAB": {"x": [1.0, -math.inf]},
    "IMG": numpy.zeros((2, 2)),
}


@pytest.fixture
def state(path, saved):
    saved(PVDB, **VALUES)
    return path


@pytest.fixture
def run(capsys):
    def call(path, *arguments):
        status = main(["state", str(path), *arguments])
        out, err = capsys.readouterr()
        return status, out, err

    return call


def test_a_table(state, run):
    status, out, err = run(state)
    rows = out.splitlines()
    assert (status, err, len(rows)) == (0, "", 1 + len(PVDB))
    assert rows[0].split() == ["NAME", "VALUE", "TYPE", "TIME"]
    found = {row.split()[0]: row for row in rows[1:]}
    assert found["X:E"].split()[1:3] == ["on", "enum"]
    assert '"a b"' in found["X:S"]
    assert "(200)" in found["X:LONG"]
    assert list(found) == sorted(found)


def test_as_json(state, run):
    status, out, err = run(state, "--json")
    found = {entry["pv"]: entry for entry in json.loads(out)}
    assert (status, err) == (0, "")
    values = {name[2:]: entry["value"] for name, entry in found.items()}
    assert values == {
        **VALUES,
        "E": "on",
        "B": "True",
        "EA": ["off", "on"],
        "C": [65],
        "A": [1.0, "nan"],
        "TAB": {"x": [1.0, "-inf"]},
        "IMG": [[0.0, 0.0], [0.0, 0.0]],
    }
    assert found["X:A"]["count"] == 3
    assert found["X:E"]["labels"] == ["off", "on"]


def test_one_and_those_like_it(state, run):
    assert run(state, "X:F")[1].splitlines()[1].split()[:2] == ["X:F", "1.5"]
    names = [row.split()[0] for row in run(state, "X:E*", "X:?")[1].splitlines()[1:]]
    assert names == ["X:A", "X:B", "X:C", "X:E", "X:EA", "X:F", "X:I", *names[7:]]
    status, out, err = run(state, "X:F", "X:NO")
    assert (status, out) == (1, "")
    assert "has no PV 'X:NO'" in err


CHANGES = {
    "F": [("2.5", 2.5), ("-inf", -math.inf), ("1e300", 1e300)],
    "I": [("-7", -7), ("0x10", 16)],
    "U": [(str(2**64 - 2), 2**64 - 2)],
    "E": [("off", 0), ("1", 1)],
    "B": [("False", False), ("1", True)],
    "S": [("a=b", "a=b"), ("", ""), ("µ" * 19, "µ" * 19)],
    "T": [("other", "other"), ("[", "[")],
    "C": [("66", [66])],
    "CS": [("xy", "xy"), ("[1,2]", [1, 2])],
    "A": [("[3, 4.5]", [3, 4.5]), ("7", 7.0), ("[]", [])],
    "EA": [('["on", 0]', [1, 0]), ("on", 1)],
}


@pytest.mark.parametrize("reason", CHANGES)
def test_a_change_is_restored(state, run, reason):
    for text, expected in CHANGES[reason]:
        before = values_in(state)
        assert run(state, f"X:{reason}={text}") == (0, "", "")
        after = values_in(state)
        del before[f"X:{reason}"], after[f"X:{reason}"]
        assert repr(before) == repr(after)
        with Kept(state, PVDB) as driver:
            found = driver.getParam(reason)
            assert (found, type(found)) == (expected, type(expected))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ("X:F=abc", "a number is allowed"),
        ("X:I=40000", "from -32768 to 32767"),
        ("X:I=1.5", "a whole number"),
        ("X:E=no", "'off', 'on'"),
        ("X:E=2", "'off', 'on'"),
        ("X:S=" + "x" * 40, "39 bytes"),
        ("X:T=" + "x" * 11, "10 bytes"),
        ("X:A=[1,2,3,4]", "at most 3"),
        ("X:A=[1,2", "JSON"),
        ("X:A=[[1]]", "a number"),
        ("X:C=300", "0 to 255"),
        ("X:TAB=1", "cannot be changed"),
        ("X:IMG=1", "cannot be changed"),
        ("X:NO=1", "has no PV"),
    ],
)
def test_a_change_that_is_wrong_changes_nothing(state, run, change, words):
    before = state.read_bytes()
    status, out, err = run(state, "X:F=5", change)
    assert (status, out) == (1, "")
    assert words in err
    assert state.read_bytes() == before


def test_several_changes_and_removals(state, run):
    assert run(state, "X:F=5", "X:I=6", "--remove", "X:E*", "--remove", "X:T")[0] == 0
    found = values_in(state)
    assert (found["X:F"], found["X:I"]) == (5.0, 6)
    assert not {"X:E", "X:EA", "X:T"} & found.keys()
    assert "X:TAB" in found
    assert values_in(state.with_name("axis.state.bak"))["X:F"] == 1.5
    status, _, err = run(state, "X:F=7", "X:I")
    assert status == 1
    assert "'X:I' has no value" in err
    assert values_in(state)["X:F"] == 5.0


def test_while_a_server_saves_to_it(state, run):
    with Kept(state, PVDB):
        assert run(state, "X:F")[0] == 0
        before = state.read_bytes()
        for arguments in (["X:F=5"], ["--remove", "X:F"]):
            status, _, err = run(state, *arguments)
            assert status == 1
            assert "is in use: another server of this process" in err
        assert state.read_bytes() == before
    assert run(state, "X:F=5")[0] == 0


def test_files_that_cannot_be_shown(path, run):
    status, _, err = run(path)
    assert status == 1
    assert "does not exist" in err
    status, _, err = run(path, "X:F=5")
    assert status == 1
    assert "does not exist" in err
    assert list(path.parent.iterdir()) == []
    path.mkdir()
    status, _, err = run(path, "X:F=5")
    assert status == 1
    assert "no regular file" in err


def test_a_damaged_file(state, run):
    state.write_bytes(state.read_bytes()[:-20])
    status, out, err = run(state)
    assert status == 0
    assert "is damaged" in err
    assert "X:F " in out
    assert run(state, "X:F=5")[0] == 0
    assert values_in(state)["X:F"] == 5.0
    assert state.with_name("axis.state.damaged").exists()


def test_names_and_labels_that_the_terminal_cannot_show(path, saved, monkeypatch):
    label = "\udcff"  # a byte that is no UTF-8
    saved({"Ä": {"type": "enum", "enums": ["off", label]}}, Ä=1)
    for encoding, name in ("ascii", rb"X:\xc4 "), ("utf-8", "X:Ä ".encode()):
        out = io.BytesIO()
        monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(out, encoding))
        assert main(["state", str(path)]) == 0
        sys.stdout.flush()
        last = out.getvalue().splitlines()[-1]
        assert last.startswith(name)
        assert rb" \udcff " in last
