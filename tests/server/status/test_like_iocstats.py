"""Name by name as on an IOC with devIocStats: type, texts, limits, plausible values."""

from __future__ import annotations

import math
import re
import time
from pathlib import Path

import pytest
from status_support import Asked

from pcaspy.testing import IsolatedServer
from support.environment import server_environment
from support.peers import peer_python
from support.ports import free_port
from support.process import Child

pytestmark = pytest.mark.timeout(300)  # the first run makes the environment
SIDE = str(Path(__file__).parent / "iocstats_side.py")
WHO = {"ENGINEER": "Ada Lovelace", "LOCATION": "hall 7", "USER": "x", "LOGNAME": "y"}
# Of an IOC's database alone: its queues.
NOT_SERVED = {"SCANONCE_Q_SIZE", "CB_Q_SIZE"}
FIELDS = "DESC EGU PREC HOPR LOPR HIHI HIGH LOW LOLO HHSV HSV LSV LLSV".split()
STATES = "ZRST ONST TWST THST ZRSV ONSV TWSV THSV".split()
# What another type of record has by that name.
OF_OTHERS = {("GTIM_RESET", "HIGH")}


@pytest.fixture(scope="module")
def ioc():
    port = free_port()
    env = {**server_environment(port), **WHO}
    with Child([str(peer_python("softioc")), SIDE, "REF"], env) as child:
        with Asked(port, "REF:") as asked:
            asked.records = child.ready["records"]
            asked.pid = child.pid
            yield asked


@pytest.fixture(scope="module")
def ours():
    with pytest.MonkeyPatch.context() as patch:
        for name, value in WHO.items():
            patch.setenv(name, value)
        server = IsolatedServer()
        server.add_status("REF:")
    with server, Asked(server.tcp_port, "REF:") as asked:
        yield asked


def shown(value):
    limits = value.limits and ["nan" if math.isnan(x) else x for x in value.limits]
    return value.precision, value.units, limits, value.states


def test_every_record_is_served(ioc, ours):
    assert len(ioc.records) > 45
    missing = {name for name in ioc.records if ours.create(name) is None}
    assert missing == NOT_SERVED


def test_types_and_what_comes_with_values(ioc, ours):
    for name in ioc.records:
        if name in NOT_SERVED:
            continue
        (channel, value), (own_channel, own) = ioc.ask(name), ours.ask(name)
        assert (name, own_channel.type, own_channel.count) == (
            name,
            channel.type,
            channel.count,
        )
        assert (name, shown(own)) == (name, shown(value))


def test_fields(ioc, ours):
    for name in ioc.records:
        for field in FIELDS + STATES:
            if name in NOT_SERVED or (name, field) in OF_OTHERS:
                continue
            if ioc.create(f"{name}.{field}") is None:
                continue
            own = ours.create(f"{name}.{field}")
            assert own is not None, f"{name}.{field}"
            expected = ioc.value(f"{name}.{field}")
            found = ours.value(f"{name}.{field}")
            same = expected == found or (expected != expected and found != found)
            assert same, f"{name}.{field}: {found!r} instead of {expected!r}"


SAME = (
    *("CPU_CNT", "FD_MAX", "EPICS_VERS", "EPICS_VERSION", "SUSP_TASK_CNT", "READACF"),
    *("ENGINEER", "LOCATION", "ACCESS", "START_CNT", "SYSRESET", "SysReset"),
    *("CA_UPD_TIME", "FD_UPD_TIME", "LOAD_UPD_TIME", "MEM_UPD_TIME"),
    *("GTIM_EVT_SRC", "GTIM_ERR_CNT", "GTIM_RESET"),
)


@pytest.mark.parametrize("name", SAME)
def test_values_that_are_the_same(ioc, ours, name):
    expected = ioc.wait_for(name, lambda value: value != b"" and value == value)
    assert ours.value(name) == expected


def test_values_in_time(ioc, ours):
    for side in (ioc, ours):
        side.wait_for("HEARTBEAT", lambda beats: beats >= 2)
        for name in ("STARTTOD", "TOD"):
            date = side.value(name).decode()
            stamp = time.mktime(time.strptime(date, "%m/%d/%Y %H:%M:%S"))
            assert abs(stamp - time.time()) < 60
        assert re.fullmatch(rb"00:0\d:\d\d", side.value("UPTIME"))
    assert abs(ours.value("GTIM_TIME") - ioc.value("GTIM_TIME")) < 10
    # Its source is asked for in the first second, too.
    assert ioc.value("GTIM_HI_SRC") == ours.value("GTIM_HI_SRC")
