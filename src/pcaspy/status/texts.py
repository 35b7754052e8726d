"""Texts of status PVs: who, where, which versions, which environment."""

from __future__ import annotations

import ctypes
import os
import platform
import socket
import sys
import time
from collections.abc import Mapping
from pathlib import Path

from .._libcom import libcom
from .._version import __version__
from ..native._tables import epics_version

EPICS = "EPICS_"
MOST = 39  # bytes of a string
_NOT_AVAILABLE = "<not available>"
_DATE = "%m/%d/%Y %H:%M:%S"
_DAY = 24 * 3600


class _Parameter(ctypes.Structure):
    """libCom's ENV_PARAM."""

    _fields_ = (("name", ctypes.c_char_p), ("standard", ctypes.c_char_p))


def variables() -> dict[str, str]:
    """EPICS' variables of the environment, with what holds: set, or libCom's own."""
    found = {}
    listed = ctypes.POINTER(ctypes.POINTER(_Parameter))
    each = ctypes.cast(libcom.env_param_list, listed)
    buffer = ctypes.create_string_buffer(1024)
    at = 0
    while each[at]:
        name, value = _shown(each[at].contents.name), ""
        if libcom.envGetConfigParam(each[at], ctypes.sizeof(buffer), buffer):
            value = _shown(buffer.value)
        if name.startswith(EPICS):
            found[name] = value
        at += 1
    return found


def _shown(text: bytes | None) -> str:
    return (text or b"").decode(errors="replace")


def cut(text: str, part: int = 0, size: int = MOST) -> str:
    """As much of a text as a string holds: its first bytes, or those after them."""
    encoded = text.encode(errors="replace")[part * size : (part + 1) * size]
    return encoded.decode(errors="ignore")


def engineer(given: str | None) -> str:
    """Who is responsible: as given, or as iocStats finds it."""
    if given is not None:
        return given
    names = ("ENGINEER", "LOGNAME", "USER")
    return next((os.environ[n] for n in names if n in os.environ), _NOT_AVAILABLE)


def location(given: str | None) -> str:
    """Where the server is."""
    return os.environ.get("LOCATION", _NOT_AVAILABLE) if given is None else given


def program() -> str:
    """What was started: what the environment says to iocStats, or this program."""
    folder = os.environ.get("STARTUP", os.environ.get("IOCSH_STARTUP_SCRIPT"))
    if folder is not None:
        script = os.environ.get("ST_CMD", "")
        return f"{folder}/{script}" if script else folder
    started = getattr(sys, "argv", [""])[0]
    return os.path.abspath(started) if started not in ("", "-c", "-m") else ""


def date(when: float) -> str:
    """A time as STARTTOD and TOD show it."""
    return time.strftime(_DATE, time.localtime(when))


def duration(seconds: float) -> str:
    """A time as UPTIME shows it."""
    days, rest = divmod(int(seconds), _DAY)
    clock = f"{rest // 3600:02}:{rest // 60 % 60:02}:{rest % 60:02}"
    if days == 0:
        return clock
    return f"{days} day{'s' if days > 1 else ''}, {clock}"


def _folder() -> str:
    try:
        return str(Path.cwd())
    except OSError:  # it was removed
        return _NOT_AVAILABLE


def of_the_start() -> Mapping[str, str | float]:
    """What does not change while a server serves, by the names of PVs."""
    folder, started, epics = _folder(), program(), epics_version()
    machine = platform.uname()
    return {
        "ST_SCRIPT1": cut(started),
        "ST_SCRIPT2": cut(started, 1),
        "ST_SCRIPT": cut(started, size=120),
        "APP_DIR1": cut(folder),
        "APP_DIR2": cut(folder, 1),
        "APP_DIR": cut(folder, size=160),
        "KERNEL_VERS": cut(f"{machine.system} {machine.release} {machine.machine}"),
        "EPICS_VERS": cut(epics),
        "EPICS_VERSION": epics,
        "HOSTNAME": cut(socket.gethostname()),
        "PROCESS_ID": os.getpid(),
        "PARENT_ID": os.getppid(),
        "CPU_CNT": os.cpu_count() or 1,
        "SUSP_TASK_CNT": 0,
        "SYSRESET": 0,
        "GTIM_EVT_SRC": "No working providers",
        "GTIM_ERR_CNT": 0,
        "GTIM_RESET": 0,
        "GTIM_CUR_SRC": "OS Clock",
        "GTIM_HI_SRC": "OS Clock",
        "PCASPY_VERS": cut(__version__),
        **{name.removeprefix(EPICS): cut(value) for name, value in variables().items()},
    }
