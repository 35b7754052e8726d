"""The JSON Schema of definitions says what the server itself says of them."""

from __future__ import annotations

import contextlib
import io
import json
import logging

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pcaspy.__main__ import main
from pcaspy.served.pvdb import PVInfo
from pcaspy.served.pvdb_fields import RULES
from pcaspy.service.text import load_json


def printed():
    """What the command prints."""
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        assert main(["schema"]) == 0
    return json.loads(out.getvalue())


SCHEMA = printed()
VALIDATOR = jsonschema.Draft202012Validator(SCHEMA)
NUMBERS = st.one_of(
    st.integers(-(10**6), 10**6), st.floats(allow_nan=False, allow_infinity=False)
)
ANYTHING = st.one_of(
    NUMBERS,
    st.booleans(),
    st.text(max_size=5),
    st.lists(st.one_of(st.text(max_size=3), st.integers(-1, 5)), max_size=3),
    st.sampled_from(["float", "enum", "double", "quad", "clamp", "refuse"]),
)


def fits(entry):
    return bool(VALIDATOR.is_valid({"pvdb": {"A": entry}}))


def is_served(entry):
    try:
        PVInfo(entry, "A")
    except ValueError:
        return False
    return True


def test_it_is_a_schema():
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    fields = SCHEMA["$defs"]["pv"]["properties"]
    assert set(fields) == {*RULES, "value"}
    assert all(field["description"] for field in fields.values())


def test_what_fits_is_served(caplog):
    caplog.set_level(logging.ERROR, "pcaspy.pvdb")
    fitting = []

    @settings(max_examples=500, deadline=None, derandomize=True, database=None)
    @given(st.dictionaries(st.sampled_from(list(RULES)), ANYTHING, max_size=3))
    def run(entry):
        if fits(entry):
            fitting.append(entry)
            assert is_served(entry), entry

    run()
    assert len(fitting) > 20


WRONG = [
    {"type": "quad"},
    {"count": 0},
    {"count": "many"},
    {"enums": "ab"},
    {"enums": [1]},
    {"states": [4]},
    {"prec": -1},
    {"unit": 5},
    {"hihi": "high"},
    {"scan": -1},
    {"asg": 1},
    {"alias": ""},
    {"alias": [""]},
    {"enforce_limits": "cut"},
    {"drvh": "high"},
    {"type": "bool", "enums": ["a", "b", "c"]},
    {"type": "bool", "enums": ["a"]},
    {"type": "text", "count": 1},
    {"type": "int128"},
]


@pytest.mark.parametrize("entry", WRONG, ids=str)
def test_what_is_not_served_does_not_fit(entry):
    assert not is_served(entry)
    assert not fits(entry)


@pytest.mark.parametrize(
    "document",
    [
        {},
        {"pvdb": []},
        {"pvdb": {"A": {"units": "mm"}}},
        {"pvdb": {"A": 5}},
        {"pvdb": {}, "prefx": "P:"},
        {"pvdb": {}, "prefix": 5},
    ],
    ids=str,
)
def test_other_mistakes_do_not_fit(document):
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(document, SCHEMA)


def test_what_is_right_fits():
    entry = {"type": "enum", "enums": ["a", "b"], "states": [0, 2], "value": "a"}
    right = {"prefix": "P:", "pvdb": {"A": entry, "B": None, "C": {"value": [1, 2]}}}
    jsonschema.validate(right, SCHEMA)


# ---- templates ----


def template(instances, **pvdb):
    return {"templates": {"t": {"instances": instances, "pvdb": pvdb}}}


FILLED = {"A{n}": {"hihi": "{n}", "desc": "of {n}", "enums": ["a{n}"]}}
RIGHT = [
    template({"n": "1..3"}, **FILLED),
    template([{"n": [1, "b", 2.5]}, {"n": True}], **{"A{n}": None}),
    {"prefix": "P:", "pvdb": {"A": {}}, **template({"n": 1}, **FILLED)},
    template([{"n": 1}], **{"A{n}": {"type": "{n}", "count": "{n}", "value": "{n}"}}),
]
NOT_RIGHT = [
    {"templates": []},
    {"templates": {"t": {"pvdb": {}}}},
    {"templates": {"t": {"instances": {"n": 1}}}},
    {"templates": {"t": {"instances": {"n": 1}, "pvdb": {}, "more": 1}}},
    template(5, A={}),
    template([], A=5),
    template({}, A={}),
    template([{"n": None}], A={}),
    template([{"n": []}], A={}),
    template([{"n": [[1]]}], A={}),
    template({"n": 1}, **{"A{n}": {"hihi": "high"}}),
    template({"n": 1}, **{"A{n}": {"units": "mm"}}),
]


@pytest.mark.parametrize("document", RIGHT, ids=str)
def test_templates_that_are_right_fit(document, tmp_path):
    jsonschema.validate(document, SCHEMA)
    path = tmp_path / "f.json"
    path.write_text(json.dumps(document))
    load_json(path)


@pytest.mark.parametrize("document", NOT_RIGHT, ids=str)
def test_templates_that_are_wrong_do_not_fit(document):
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(document, SCHEMA)
