"""Field by field as on an IOC with equal records: type, rights, value, events."""

from __future__ import annotations

import math

import pytest
from fields_support import Watch

from support import wire

STATES = "ZR ON TW TH FR FV SX SV EI NI TE EL TV TT FT FF".split()
FIELDS = [
    *"VAL DESC EGU PREC HOPR LOPR DRVH DRVL HIHI HIGH LOW LOLO HYST ADEL MDEL".split(),
    *"HHSV HSV LSV LLSV RTYP NAME SCAN STAT SEVR AMSG ACKS ACKT".split(),
    *"UDF NELM NORD FTVL".split(),
    *"ZNAM ONAM ZSV OSV ASG DISP PROC DTYP NONE val".split(),
    *(state + "ST" for state in STATES),
    *(state + "SV" for state in STATES),
]
RECORDS = "AI AO PLAIN LI LO BI BO MI MO SI SO WF WC WS".split()
CTRL = 28
# What other records have by that name, and nothing here has.
OF_OTHERS = {("BO", "HIGH"), ("MI", "FTVL"), ("MO", "FTVL")}
# An IOC has as many as there are device supports.
CHOICES_VARY = {"DTYP"}


def shown(side, record, field):
    """All that a client can know of a field."""
    name = f"{record}.{field}"
    channel = side.create(name)
    assert side.searched(name) == (channel is not None), name
    if channel is None:
        return None
    value = side.get(name, CTRL)
    limits = value.limits and [
        "nan" if math.isnan(limit) else limit for limit in value.limits
    ]
    states = None if field in CHOICES_VARY else value.states
    return {
        "type": channel.type,
        "count": channel.count,
        "rights": channel.rights,
        "elements": value.elements,
        "alarm": (value.status, value.severity),
        "precision": value.precision,
        "units": value.units,
        "limits": limits,
        "states": states,
        "text": side.get(name, 0, 0).elements,
    }


@pytest.mark.parametrize("record", RECORDS)
def test_what_a_client_sees(ours, ioc, record):
    for field in FIELDS:
        if (record, field) not in OF_OTHERS:
            here, there = shown(ours, record, field), shown(ioc, record, field)
            assert here == there, f"{record}.{field}"


# Puts to a record, one after the other; each with the same answer and events.
STEPS = {
    "AO": [
        ("VAL", "21"), ("VAL", "21"), ("VAL", "95"), ("VAL", "96"),
        ("HIHI", "200"), ("HIHI", "200"), ("EGU", "K"), ("EGU", "K"),
        ("PREC", "3"), ("HHSV", "9"), ("HHSV", "WRONG"), ("HIHI", "abc"),
        ("HIHI", "50"), ("VAL", "49"), ("LOPR", "3"), ("PROC", "1"), ("PROC", "1"),
        ("RTYP", "x"), ("NAME", "y"), ("SEVR", "1"), ("STAT", "1"),
        ("DISP", "1"), ("DISP", "1"), ("VAL", "3"), ("EGU", "m"), ("PROC", "1"),
        ("DISP", "0"), ("VAL", "4"), ("VAL", "60"),
    ],
    "LO": [
        ("HIHI", "40"), ("VAL", "45"), ("HIHI", "12.7"), ("VAL", "zz"),
        ("HOPR", "60"), ("VAL", "12"), ("VAL", "3"),
    ],
    "MO": [
        ("VAL", "2"), ("VAL", "B"), ("ONST", "Beta"), ("THST", "D"), ("VAL", "Beta"),
        ("VAL", "9"), ("VAL", "x"), ("VAL", "3"), ("VAL", "D"),
    ],
    "BO": [("VAL", "0"), ("ONAM", "open"), ("VAL", "open"), ("ZNAM", "shut"),
           ("ONAM", "ajar"), ("VAL", "open"), ("VAL", "shut"), ("ZNAM", "closed")],
    "SO": [("VAL", "hello"), ("VAL", "world"), ("DISP", "1"), ("VAL", "x"),
           ("DISP", "0")],
    "WF": [("VAL", "2"), ("VAL", "3"), ("HOPR", "7"), ("NELM", "3")],
}  # fmt: skip
WATCHED = {
    "AO": "VAL HIHI HIGH EGU SEVR STAT UDF DESC PREC MDEL DISP PROC RTYP NAME SCAN",
    "LO": "VAL HIHI SEVR STAT HOPR",
    "MO": "VAL ZRST ONST THST ZRSV ONSV SEVR STAT",
    "BO": "VAL ZNAM ONAM OSV SEVR STAT",
    "SO": "VAL DESC DISP SEVR",
    "WF": "VAL NORD NELM HOPR SEVR",
}
# An IOC's limit that a severity makes no alarm is one here: a put puts it into force.
ALARMS_DIFFER = {("LO", "VAL", "45"), ("LO", "HIHI", "12.7"), ("LO", "VAL", "12"),
                 ("LO", "VAL", "3")}  # fmt: skip


@pytest.fixture(scope="module")
def watches(ours, ioc):
    made = {
        record: [Watch(side, record, fields.split()) for side in (ours, ioc)]
        for record, fields in WATCHED.items()
    }
    yield made
    for pair in made.values():
        for watch in pair:
            watch.circuit.close()


@pytest.mark.parametrize("record", STEPS)
def test_what_puts_do(ours, ioc, watches, record):
    here, there = watches[record]
    for field, value in STEPS[record]:
        what = f"{record}.{field} = {value}"
        name = f"{record}.{field}"
        assert ours.put(name, value) == ioc.put(name, value), what
        events, expected = here.take(), there.take()
        if (record, field, value) not in ALARMS_DIFFER:
            assert events == expected, what


def test_fields_of_an_ioc_that_are_as_wide_as_text(ours, ioc):
    long = "x" * 39
    for field in ("AO.DESC",):
        assert ours.put(field, long) == ioc.put(field, long) == wire.ECA_NORMAL
        assert ours.get(field).elements == ioc.get(field).elements
