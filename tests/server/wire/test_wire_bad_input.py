"""Each kind of bad TCP input is a row of the hostile table, or has a test of its own.

After each row of the table, whole and byte by byte, a client that was there before
gets, puts and receives monitors, and a new one connects (`check_row`).
"""

from __future__ import annotations

from pathlib import Path

import pytest
import test_wire_hostile as hostile

HERE = Path(__file__).parent

# Kinds of bad input, and how the names of their rows begin.
IN_TABLE = {
    "payload size no multiple of 8": ["size 4 of command", "size 65533"],
    "invalid command below 28": [f"command {n}" for n in (5, 7, 11, 13, 16, 22, 27)],
    "command of 28 and more": ["command 28", "command 65535"],
    "unknown SID in READ_NOTIFY": ["unknown SID 0x7abcdef0 of command 15"],
    "unknown SID in WRITE_NOTIFY": ["unknown SID 0x7abcdef0 of command 19"],
    "unknown SID in WRITE, READ, EVENT_ADD": [
        f"unknown SID 0x7abcdef0 of command {n}" for n in (4, 3, 1)
    ],
    "unknown SID in CLEAR_CHANNEL": ["unknown SID 0x7abcdef0 of command 12"],
    "unknown SID in EVENT_CANCEL": ["unknown SID 0x7abcdef0 of command 2"],
    "SID of another circuit": [f"SID of another circuit, command {n}" for n in (15, 4)],
    "bad type in READ_NOTIFY, EVENT_ADD": ["type 39 in command 15", "type 39 in co"],
    "bad type in READ, WRITE": ["type 39 in command 3", "plain write of type 7"],
    "bad type in WRITE_NOTIFY": ["type 39 in command 19"],
    "more written than the PV has": ["count above the PV's"],
    "nothing written": ["count 0, command 4", "count 0 with data"],
    "payload shorter than its count": [
        "count above the payload",
        "array count above the payload",
        "two strings with the bytes of one",
    ],
    "EVENT_ADD below 16 bytes": ["EVENT_ADD with 0 bytes", "EVENT_ADD with 8 bytes"],
    "EVENT_ADD without a known bit": ["EVENT_ADD with mask 0x0"],
    "duplicate SUBID": ["the same SUBID twice"],
    "unknown SUBID in EVENT_CANCEL": ["cancel of an unknown SUBID"],
    "CREATE_CHAN of size 0": ["CREATE_CHAN with size 0"],
    "CREATE_CHAN of an empty name": ["CREATE_CHAN with an empty name"],
    "CREATE_CHAN without NUL": [
        "CREATE_CHAN with a name without NUL",
        "CREATE_CHAN without the NUL of a real name",
    ],
    "CREATE_CHAN of a long name": ["CREATE_CHAN with a name of 600"],
    "CREATE_CHAN of an old minor": ["CREATE_CHAN with minor 3"],
    "CID that is used already": ["the same CID twice"],
    "names behind the first channel": [
        "name command 20 after",
        "name command 21 after",
    ],
    "names without NUL, empty, long": [
        f"name command {n} with {what}"
        for n in (20, 21)
        for what in ("size 0", "no NUL", "600 characters")
    ],
}
# Those with other tests: file and test.
ELSEWHERE = {
    "more read than the PV has": (
        "values",
        "test_beyond_the_native_count_is_filled_with_zeros",
    ),
    "request above the limit": ("environment", "test_a_limit_on_array_bytes"),
    "response above the limit": ("environment", "test_a_limit_on_array_bytes"),
    "announced size of gigabytes": ("hostile", "test_no_memory_for_an_announced_size"),
    "VERSION of an old minor, or a high priority": ("hostile", "test_first_version"),
    "first request without VERSION": (
        "hostile",
        "test_a_channel_without_version_takes_the_minor_from_create_chan",
    ),
}


@pytest.mark.parametrize("kind", IN_TABLE)
def test_the_table_has_rows_for_it(kind):
    names = [row.name for row in hostile.ROWS]
    for start in IN_TABLE[kind]:
        assert any(name.startswith(start) for name in names), start


@pytest.mark.parametrize("kind", ELSEWHERE)
def test_there_is_a_test_for_it(kind):
    file, name = ELSEWHERE[kind]
    assert f"def {name}(" in (HERE / f"test_wire_{file}.py").read_text()
