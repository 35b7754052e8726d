"""Fields and views over PVAccess, as QSRV2 has those of the same records."""

import math

from pva_support import Client, ours, reference

SAME = (
    "DOUBLE.DESC", "DOUBLE.EGU", "DOUBLE.HIHI", "DOUBLE.PREC", "DOUBLE.HHSV",
    "DOUBLE.SCAN", "DOUBLE.STAT", "DOUBLE.SEVR", "DOUBLE.RTYP", "DOUBLE.UDF",
    "DOUBLE.DISP", "DOUBLE.MDEL", "DOUBLE.VAL", "LONG.HIHI", "LONG.HOPR", "LONG.ADEL",
    "ENUM.ZRST", "ENUM.RTYP", "BINARY.ONAM", "STRING.RTYP", "W:DOUBLE.FTVL",
    "W:DOUBLE.EGU",
    "W:DOUBLE.VAL[1:2]",
    'W:DOUBLE.{"arr":{"s":1}}', 'DOUBLE.{"dbnd":{"abs":1}}',
)  # fmt: skip
# What QSRV2 leaves out, and is in the structures here.
MORE = ("display.form.index", "display.units")
TIMES = ("timeStamp.secondsPastEpoch", "timeStamp.nanoseconds")


def shown(value):
    def plain(field):
        return "nan" if isinstance(field, float) and math.isnan(field) else field

    return {
        "id": value["id"],
        "types": value["types"],
        "fields": {
            name: plain(field)
            for name, field in value["fields"].items()
            if name not in MORE + TIMES
        },
    }


def readings(make):
    with make() as server, Client(server) as client:
        return {name: shown(client.get(name)) for name in SAME}


def test_same_as_qsrv():
    here, there = readings(ours), readings(reference)
    for name in SAME:
        assert here[name] == there[name], name


def test_puts_and_monitors(server, client):
    client.put("DOUBLE.DESC", "over pva")
    assert client.value("DOUBLE.DESC") == "over pva"
    assert client.get("DOUBLE")["fields"]["display.description"] == "over pva"
    client.put("DOUBLE.DESC$", "x" * 40)  # an array of bytes for QSRV2
    assert client.value("DOUBLE.DESC$") == "x" * 40
    client.put("DOUBLE.HIHI", 77.5)
    assert client.get("DOUBLE")["fields"]["valueAlarm.highAlarmLimit"] == 77.5
    assert client.put("DOUBLE.DISP", 1) is None
    assert "DISP" in client.put("DOUBLE", 1.0)
    assert client.put("DOUBLE.DISP", 0) is None
    assert client.put("DOUBLE", 1.0) is None
    number = client.monitor("DOUBLE.SEVR")
    client.connected(number)
    assert client.put("DOUBLE", 90.0) is None
    (event,) = client.events(number, 1)
    assert event["fields"]["value.index"] == 2
    client.cancel(number)
