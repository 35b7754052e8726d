"""Which status PVs there are: a table of pvdb entries with the source of each.

Names, descriptions, units, limits and severities of the first ones are those of EPICS'
iocStats, so that its displays and alarm trees find them.
"""

from __future__ import annotations

import enum
from collections.abc import Container, Iterable, Iterator
from typing import Any, NamedTuple

from ..alarm import Severity
from .texts import EPICS


class Group(enum.Enum):
    """What is looked at together."""

    START = "at the start"
    SECOND = "second"
    CLIENTS = "clients"
    FILES = "files"
    LOAD = "load"
    MEMORY = "memory"
    PUT = "by clients"


# Seconds between two looks, and the PV by which clients change that.
PERIODS = {
    Group.CLIENTS: (15.0, "CA_UPD_TIME"),
    Group.FILES: (20.0, "FD_UPD_TIME"),
    Group.LOAD: (10.0, "LOAD_UPD_TIME"),
    Group.MEMORY: (10.0, "MEM_UPD_TIME"),
}
PERIOD_OF = {name: group for group, (_, name) in PERIODS.items()}
SHORTEST, LONGEST = 1.0, 60.0  # of these periods, for clients


class Entry(NamedTuple):
    """A status PV."""

    name: str
    group: Group
    desc: str
    spec: dict[str, Any]

    def fields(self, port: str, asg: str) -> dict[str, Any]:
        """Its pvdb entry.

        Fields have the rights of their PV: where displays set limits, the PV takes
        puts, and its driver refuses them.
        """
        limited = bool({"hihi", "high", "low", "lolo"} & self.spec.keys())
        made = {"type": "float", "desc": self.desc, "port": port, **self.spec}
        if asg:
            made["asg"] = asg
        if limited:
            made["scan"] = PERIODS.get(self.group, (1.0,))[0]
        elif self.group is not Group.PUT:
            made["readonly"] = True
        return made


def _text(size: int) -> dict[str, Any]:
    return {"type": "char", "count": size}


_STRING = {"type": "string"}
_PERIOD = {
    "unit": "sec",
    "hilim": LONGEST,
    "drvl": SHORTEST,
    "drvh": LONGEST,
    "enforce_limits": "clamp",
}
_LOAD = {"unit": "%", "prec": 1, "hilim": 100, "high": 70, "hihi": 80}
_RATE = {"unit": "1/s", "prec": 1}
_MODES = ("Running", "Maintenance", "Test", "OFFLINE")
_SEVERITIES = (
    Severity.NO_ALARM,
    Severity.MINOR_ALARM,
    Severity.MINOR_ALARM,
    Severity.MAJOR_ALARM,
)

_OF_IOCSTATS = [
    Entry("HEARTBEAT", Group.SECOND, "1 Hz counter since startup", {}),
    Entry("TOD", Group.SECOND, "Current time and date", _STRING),
    Entry("UPTIME", Group.SECOND, "Elapsed Time since Start", _STRING),
    Entry("STARTTOD", Group.START, "Time and date of startup", _STRING),
    Entry("START_CNT", Group.START, "Increments at startup", {}),
    Entry(
        "ACCESS",
        Group.PUT,
        "Acc Mode",
        {"type": "enum", "enums": _MODES, "states": _SEVERITIES},
    ),
    Entry("READACF", Group.PUT, "ACF Update", {}),
    Entry("SYSRESET", Group.START, "IOC Restart", {"alias": "SysReset"}),
    Entry(
        "CA_CLNT_CNT",
        Group.CLIENTS,
        "Number of CA Clients",
        {"hilim": 200, "high": 100, "hihi": 175},
    ),
    Entry(
        "CA_CONN_CNT",
        Group.CLIENTS,
        "Number of CA Connections",
        {"hilim": 5000, "high": 4000, "hihi": 4500},
    ),
    Entry("RECORD_CNT", Group.CLIENTS, "Number of Records", {}),
    Entry("FD_MAX", Group.FILES, "Max File Descriptors", {}),
    Entry("FD_CNT", Group.FILES, "Allocated File Descriptors", {}),
    Entry(
        "FD_FREE", Group.FILES, "Available FDs", {"hilim": 150, "low": 20, "lolo": 5}
    ),
    Entry("SYS_CPU_LOAD", Group.LOAD, "System CPU Load", _LOAD),
    Entry("IOC_CPU_LOAD", Group.LOAD, "IOC CPU Load", {**_LOAD, "alias": "LOAD"}),
    Entry(
        "IOC_SINGLE_CPU_LOAD",
        Group.LOAD,
        "IOC CPU Load of one CPU",
        {"unit": "%", "prec": 1, "hilim": 100},
    ),
    Entry("CPU_CNT", Group.START, "Number of CPUs", {}),
    Entry("SUSP_TASK_CNT", Group.START, "Number Suspended Tasks", {"hihi": 1}),
    Entry("MEM_USED", Group.MEMORY, "Allocated Memory", {"unit": "byte"}),
    Entry(
        "MEM_FREE", Group.MEMORY, "Free Memory", {"unit": "byte", "low": 0, "lolo": 0}
    ),
    Entry("MEM_MAX", Group.MEMORY, "Maximum Memory", {"unit": "byte"}),
    Entry("CA_UPD_TIME", Group.PUT, "CA Check Update Period", _PERIOD),
    Entry("FD_UPD_TIME", Group.PUT, "FD Check Update Period", _PERIOD),
    Entry("LOAD_UPD_TIME", Group.PUT, "CPU Check Update Period", _PERIOD),
    Entry("MEM_UPD_TIME", Group.PUT, "Memory Check Update Period", _PERIOD),
    Entry("ST_SCRIPT1", Group.START, "Startup Script Part1", _STRING),
    Entry("ST_SCRIPT2", Group.START, "Startup Script Part2", _STRING),
    Entry("ST_SCRIPT", Group.START, "Startup Script", _text(120)),
    Entry("KERNEL_VERS", Group.START, "Kernel Version", _STRING),
    Entry("EPICS_VERS", Group.START, "EPICS Version", _STRING),
    Entry("EPICS_VERSION", Group.START, "EPICS Version", _text(120)),
    Entry("HOSTNAME", Group.START, "Host Name", _STRING),
    Entry("APP_DIR1", Group.START, "Application Directory Part 1", _STRING),
    Entry("APP_DIR2", Group.START, "Application Directory Part 2", _STRING),
    Entry("APP_DIR", Group.START, "Application Directory", _text(160)),
    Entry("ENGINEER", Group.START, "Engineer", _STRING),
    Entry("LOCATION", Group.START, "Location", _STRING),
    Entry("PROCESS_ID", Group.START, "Process ID", {}),
    Entry("PARENT_ID", Group.START, "Parent Process ID", {}),
    Entry(
        "GTIM_TIME",
        Group.SECOND,
        "Gen Time Secs since 1990",
        {"unit": "sec", "prec": 3},
    ),
    Entry("GTIM_CUR_SRC", Group.START, "Gen Time Current Provider", _STRING),
    Entry("GTIM_EVT_SRC", Group.START, "Gen Time Event Provider", _STRING),
    Entry("GTIM_HI_SRC", Group.START, "Gen Time Highest Provider", _STRING),
    Entry(
        "GTIM_ERR_CNT", Group.START, "Gen Time Error Count", {"type": "int", "hihi": 1}
    ),
    Entry(
        "GTIM_RESET",
        Group.START,
        "Gen Time Error Reset",
        {"type": "enum", "enums": ("Reset", "Reset")},
    ),
]
# What of the server's counters a PV shows: how fast it grows, or how much there is.
_RATES = {
    "GET_RATE": ("reads", "Gets per second"),
    "PUT_RATE": ("writes", "Puts per second"),
    "UPDATE_RATE": ("updates", "Updates sent per second"),
    "MERGE_RATE": ("updates_merged", "Updates merged per second"),
    "SEARCH_RATE": ("searches", "Names searched for per second"),
    "PVA_GET_RATE": ("pva_reads", "PVAccess gets per second"),
    "PVA_PUT_RATE": ("pva_writes", "PVAccess puts per second"),
    "PVA_UPDATE_RATE": ("pva_updates", "PVAccess updates per second"),
    "PVA_MERGE_RATE": ("pva_updates_merged", "PVAccess updates merged per second"),
    "PVA_SEARCH_RATE": ("pva_searches", "PVAccess searches per second"),
}
_COUNTS = {
    "PUT_REFUSED": ("puts_refused", "Puts refused, too many waited"),
    "REQ_QUEUED": ("requests_queued", "Requests waiting for Python"),
    "HELD_BYTES": ("held_bytes", "Bytes held for clients"),
    "LONGEST_CALL": ("longest_call", "Longest read or write of a driver"),
    "PVA_CLNT_CNT": ("pva_connections", "PVAccess clients"),
    "PVA_CONN_CNT": ("pva_channels", "PVAccess channels"),
    "PVA_PUT_REFUSED": ("pva_puts_refused", "PVAccess puts refused"),
    "PVA_REQ_OPEN": ("pva_requests_open", "PVAccess requests that wait"),
}
_UNITS = {"HELD_BYTES": {"unit": "byte"}, "LONGEST_CALL": {"unit": "ms"}}
_OWN = [
    Entry(
        "BUSY_TIME",
        Group.SECOND,
        "How long requests wait for the driver",
        {"unit": "s", "prec": 1, "high": 2, "hihi": 10},
    ),
    Entry("POST_RATE", Group.LOAD, "Posts per second", _RATE),
    *(Entry(name, Group.SECOND, desc, _RATE) for name, (_, desc) in _RATES.items()),
    *(
        Entry(name, Group.SECOND, desc, _UNITS.get(name, {}))
        for name, (_, desc) in _COUNTS.items()
    ),
    Entry("THREAD_CNT", Group.LOAD, "Number of threads", {}),
    Entry("PCASPY_VERS", Group.START, "Version of pcaspy", _STRING),
]
RATES = {name: counter for name, (counter, _) in _RATES.items()}
COUNTS = {name: counter for name, (counter, _) in _COUNTS.items()}


def entries(
    variables: Iterable[str] = (), counters: Container[str] | None = None
) -> Iterator[Entry]:
    """All status PVs.

    Args:
        variables: Variables of the environment; each has a PV.
        counters: Those of the server; other ones have no PV. None: all.
    """
    yield from _OF_IOCSTATS
    for variable in variables:
        yield _of_variable(variable)
    for entry in _OWN:
        counter = RATES.get(entry.name) or COUNTS.get(entry.name)
        if counter is None or counters is None or counter in counters:
            yield entry


# Names that older displays know.
_OTHER_NAMES = {
    "CA_CONN_TMO": "CA_CONN_TIME",
    "CA_AUTO_ADDR_LIST": "CA_AUTO_ADDR",
    "CA_REPEATER_PORT": "CA_RPTR_PORT",
    "CA_SERVER_PORT": "CA_SRVR_PORT",
    "CA_MAX_ARRAY_BYTES": "CA_MAX_ARRAY",
    "CA_MAX_SEARCH_PERIOD": "CA_SRCH_TIME",
    "CA_BEACON_PERIOD": "CA_BEAC_TIME",
    "CAS_SERVER_PORT": "CAS_SRVR_PORT",
    "CAS_AUTO_BEACON_ADDR_LIST": "CAS_AUTO_ADDR",
    "CAS_BEACON_ADDR_LIST": "CAS_ADDR_LIST",
    "CAS_INTF_ADDR_LIST": "CAS_ADDR_INTF_LIST",
    "CAS_IGNORE_ADDR_LIST": "CAS_ADDR_IGNORE_LIST",
    "TZ": "TIMEZONE",
}


def _of_variable(variable: str) -> Entry:
    name = variable.removeprefix(EPICS)
    other = _OTHER_NAMES.get(name)
    spec = _STRING if other is None else {**_STRING, "alias": other}
    return Entry(name, Group.START, variable, spec)
