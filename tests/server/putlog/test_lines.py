"""A put as a line: what log servers of IOCs take, and what people read."""

import json
import math

import pytest
from putlog_support import put

from pcaspy.native._put_log import undecoded
from pcaspy.putlog.line import json_line, text_line

START = '{"date":"2020-08-10","time":"13:02:08.124","host":"devWs","user":"devman",'
# What the manual of caPutLog shows (docs/index.rst, Json Log Format), less the prefix
# and with the date of the first one.
EXAMPLES = [
    ({}, '"pv":"ao","new":77.5,"old":1'),
    (
        {"new": 8.0, "old": 77.5, "least": 7.5, "most": 870.5, "more": 3},
        '"pv":"ao","new":8,"old":77.5,"min":7.5,"max":870.5',
    ),
    (
        {"pv": "stringout", "new": "Example put on stringout", "old": "so1"},
        '"pv":"stringout","new":"Example put on stringout","old":"so1"',
    ),
    (
        {"pv": "lso.$", "new": "Some", "new_size": 67, "old": "", "is_array": True}
        | {"old_size": 0},
        '"pv":"lso.$","new":["Some"],"new-size":67,"old":[""],"old-size":0',
    ),
    (
        {"pv": "wfd", "new": [4.5, 5.0, 10.0, 11.0], "new_size": 4, "old": None}
        | {"old_size": 0, "is_array": True},
        '"pv":"wfd","new":[4.5,5,10,11],"new-size":4,"old":[],"old-size":0',
    ),
    ({"new": math.nan, "old": 8.0}, '"pv":"ao","new":"Nan","old":8'),
    ({"new": -math.inf, "old": math.nan}, '"pv":"ao","new":"-Infinity","old":"Nan"'),
    ({"new": math.inf}, '"pv":"ao","new":"Infinity","old":1'),
]


@pytest.mark.parametrize(("changes", "wanted"), EXAMPLES)
def test_the_examples_of_the_manual(changes, wanted):
    line = json_line(put(**changes))
    assert line.startswith(START + wanted)
    known = set(json.loads(START + wanted + "}"))
    more = set(json.loads(line)) - known
    assert more <= {"address", "protocol", "outcome", "burst_count"}


def test_what_is_ours():
    line = json.loads(json_line(put(more=2, outcome="refused", protocol="pva"), 7))
    assert line["burst_count"] == 2
    assert line["lost"] == 7
    assert (line["outcome"], line["protocol"]) == ("refused", "pva")
    assert line["address"] == "10.0.0.1:5000"


def test_nothing_that_a_client_says_ends_a_line():
    nasty = 'a\nb\r"\x1b[2J\udcff\u2028'
    made = put(user=nasty, host=nasty, new=nasty, old=nasty)
    line = json_line(made)
    assert line.isascii()
    assert line.isprintable()
    assert json.loads(line)["user"] == nasty
    assert text_line(made).isprintable()


def test_the_text():
    made = put(more=2, least=1.0, most=80.0)
    assert text_line(made, 3) == (
        "ao: devman@devWs (10.0.0.1:5000) old=1 new=77.5 accepted; 3 puts from 1 to 80;"
        " 3 puts before it are missing"
    )


@pytest.mark.parametrize(
    ("text", "value"),
    [("'abc'", "abc"), ("'5'", "5"), ("7", 7), ("2.5", 2.5), ("3 elements",) * 2],
)
def test_values_that_were_not_decoded(text, value):
    assert undecoded(text) == value
