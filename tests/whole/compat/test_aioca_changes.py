"""Each intended change of aioca, seen on the released package and on ours."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from support import changes
from support.environment import client_environment, server_environment
from support.peers import peer_python
from support.ports import free_port
from support.process import Child

HERE = Path(__file__).parent
SIDE = HERE / "aioca_changes_side.py"
IOC_SIDE = HERE.parents[1] / "client" / "ioc_side.py"
DATABASE = """
record(waveform, "C:W") { field(FTVL, "DOUBLE") field(NELM, "5") }
record(waveform, "C:ONE") { field(FTVL, "DOUBLE") field(NELM, "1") }
record(longout, "C:LONG") { field(VAL, "5") field(PINI, "YES") }
record(ao, "C:AO") { field(VAL, "5") field(PINI, "YES") }
record(lsi, "C:LSI") { field(SIZV, "200") }
record(calc, "C:TICK") { field(CALC, "VAL+1") field(SCAN, ".1 second") }
record(stringout, "C:TEXT") { field(VAL, "text") field(PINI, "YES") }
record(waveform, "C:CHARS") { field(FTVL, "CHAR") field(NELM, "10") }
record(ao, "C:REFUSES") { field(DISP, "1") }
"""
# Row: (case, what the released package tells, what ours tells).
SHOWN = {
    "empty-update": ("empty_update", [2], [2, 0]),
    "empty-array": ("empty_array", "ca_float", "ca_array"),
    "long-put": ("long_put", "CAException", ["CANothing", 1]),
    "no-wrap": (
        "no_wrap",
        [["CANothing", 1], ["CANothing", 1]],
        ["OverflowError", "ValueError"],
    ),
    "no-time": ("no_time", ["CANothing", 80], ["CANothing", 1]),
    "names-of-a-list": (
        "names_of_a_list",
        ["Multiple PVs", False, False],
        ["Multiple PVs", True, False],
    ),
    "purge-ends-calls": ("purge_ends_calls", False, True),
    "failed-put": ("failed_put", False, True),
    "timeouts-say-where": ("timeouts_say_where", [True, False], [True, True]),
    "refused": (
        "refused",
        [True, False, False],
        [True, True, True],
    ),
    "input-names-the-pv": ("input_names_the_pv", [False, False], [True, True]),
    "shown-as": (
        "shown_as",
        ["CANothing('C:AO', 1)", "CANothing('X', 160)"],
        [
            "CANothing('C:AO', ECA_NORMAL: ok)",
            "CANothing('X', ECA_PUTFAIL: Channel write request failed)",
        ],
    ),
    "no-loop": ("no_loop", [True, False], [True, True]),
    "run-in-a-loop": ("run_in_a_loop", ["stopped", "RuntimeError"], ["goes on", 5]),
    "closed-loops": ("closed_loops", True, False),
    "import": ("imports", True, False),
    "names-on-use": ("names_on_use", [True, True], [False, True]),
    "failed-subscription": ("failed_subscription", [False, "KeyError"], [True]),
    "failed-update": ("failed_update", [], ["CANothing", "ca_float"]),
    "wait-of-lists": ("wait_of_lists", ["CANothing", 80], "list"),
    "text-of-others": ("text_of_others", "AttributeError", ["CANothing", 1]),
    "name-by-keyword": ("name_by_keyword", "TypeError", "ca_float"),
    "list-by-position": ("by_position", "TypeError", "list"),
}
# Where the proof is a test that takes longer, or compares times.
ELSEWHERE = {
    "loop-goes-on": "client/test_mended.py: a_stalled_server_does_not_stop_the_loop",
    "each-connection": "client/test_mended.py: a_monitor_follows_a_pv_that_changes",
}
PYTHONS = {"released": peer_python("aioca"), "ours": sys.executable}


@pytest.fixture(scope="module")
def ioc(tmp_path_factory) -> Iterator[tuple[Child, int]]:
    path = tmp_path_factory.mktemp("ioc") / "test.db"
    path.write_text(DATABASE)
    port = free_port()
    env = server_environment(port, PYTHONPATH=str(HERE.parents[1] / "support"))
    with Child([sys.executable, str(IOC_SIDE), str(path)], env) as child:
        yield child, port


def told_by(side: str, case: str, ioc: tuple[Child, int]) -> object:
    child, port = ioc
    program = subprocess.Popen(
        [PYTHONS[side], SIDE, case],
        env=client_environment(port),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert program.stdin
    assert program.stdout
    told: object = f"nothing, of {side}"
    with program:
        for line in program.stdout:
            said = json.loads(line)
            if "line" in said:
                child.ask(line=said["line"])
                program.stdin.write("done\n")
                program.stdin.flush()
            else:
                told = said["told"]
    return told


@pytest.mark.timeout(120)
@pytest.mark.parametrize("row", SHOWN)
def test_the_change_is_there(row, ioc):
    case, released, ours = SHOWN[row]
    assert told_by("released", case, ioc) == released
    assert told_by("ours", case, ioc) == ours


def test_every_row_is_shown():
    table = changes.load("aioca")
    names = {key for key, row in table.items() if row.names}
    assert set(table) == names | set(SHOWN) | set(ELSEWHERE)


@pytest.mark.parametrize("row", ELSEWHERE)
def test_the_proof_is_where_it_is_said_to_be(row):
    file, name = ELSEWHERE[row].split(": ")
    assert f"test_{name}" in (HERE.parents[1] / file).read_text()
