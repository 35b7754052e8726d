"""ligo-softioc: its driver is initialized after its constructor has returned."""

from __future__ import annotations

import pytest
from program_sides import SERVERS, on_both

from support import dbr, wire

pytestmark = pytest.mark.timeout(600)

PREFIX = "X1:TST-IOC_"
CHANNELS = "LEVEL VALVE NOTE SHAPE DOUBLE".split()
STATUS = """
    START_GPS TIMESTAMP UPTIME_SEC UPTIME_STR HOSTNAME PROCESS ERROR_MESSAGE SERVER_GPS
    SERVER_RUNNING ALARM_MESSAGE ALARM_HISTORY_MESSAGE_0 ALARM_GPS_TIME_0 ALARM_DUMP
""".split()


def drive(client, program):
    names = [PREFIX + name for name in CHANNELS + STATUS]
    seen = [(name, client.connect(name)) for name in names]
    level, double, note = (PREFIX + name for name in ("LEVEL", "DOUBLE", "NOTE"))
    message = PREFIX + "ALARM_MESSAGE"
    client.subscribe(double)
    client.subscribe(message)
    seen.append(client.put(level, 2.5))
    seen.append(client.reach(double, 5.0))
    seen.append(client.get(level))
    seen.append(client.put(PREFIX + "VALVE", "OPEN", base=dbr.STRING))
    seen.append(client.get(PREFIX + "VALVE"))
    seen.append(client.put(note, "remember"))
    seen.append(client.get(note))
    seen.append(client.put(PREFIX + "SHAPE", 1.0, 2.0, 3.0))
    seen.append(client.get(PREFIX + "SHAPE"))
    seen.append(client.put(level, 12.0))
    seen.append(client.reach(message, "too high"))
    client.subscribe(level, mask=wire.DBE_ALARM)
    seen.append(client.reach(double, 24.0))
    seen.append(client.get(level))
    seen.append(client.value(PREFIX + "HOSTNAME"))
    seen.append(client.value(PREFIX + "PROCESS"))
    seen.append(client.value(PREFIX + "ALARM_HISTORY_MESSAGE_0"))
    return seen


def test_channels_status_and_alarms(tmp_path):
    # Its clock looks for leap seconds in the network, unless it finds them here.
    cache = tmp_path / "gpstime" / "leapseconds"
    cache.parent.mkdir()
    cache.write_text("Leap 2016 Dec 31 23:59:60 + S\n#expires 4102444800\n")
    seen = on_both(
        "ligo-softioc",
        [str(SERVERS / "ligo_ioc.py")],
        drive,
        XDG_CACHE_HOME=str(tmp_path),
    )
    assert "too high" in seen
