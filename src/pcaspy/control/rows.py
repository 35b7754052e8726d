"""The rows of the control protocol, made of what the engine says."""

from __future__ import annotations

import math
from typing import Any

from ..alarm import Alarm, Severity

MOST = 1000  # rows, or elements, of one answer


def plain(value: Any) -> Any:
    """The same for JSON, which has no NaN and no infinities."""
    if isinstance(value, float) and not math.isfinite(value):
        return "nan" if math.isnan(value) else "inf" if value > 0 else "-inf"
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    return value


def pv(row: tuple[str, str, int, int, float, int, float | None]) -> dict[str, Any]:
    """A PV in a list."""
    name, value, severity, alarm, time, clients, rate = row
    return {
        "pv": name,
        "value": value,
        "severity": Severity.nameOf(severity),
        "alarm": Alarm.nameOf(alarm),
        "time": time,
        "clients": clients,
        "rate": rate if rate is None else round(rate, 3),
    }


def details(found: dict[str, Any]) -> dict[str, Any]:
    """What `get` has besides the row."""
    limits = {
        name: [None if math.isnan(limit) else plain(limit) for limit in pair]
        for name, pair in found["limits"].items()
    }
    return {**found, "limits": limits, "elements": plain(found["elements"])}


_CIRCUIT = (
    *("circuit", "protocol", "user", "host", "address", "channels", "subscriptions"),
    *("since", "held", "waiting", "sent", "received"),
)


def circuit(row: tuple[Any, ...]) -> dict[str, Any]:
    """A client."""
    return dict(zip(_CIRCUIT, row, strict=True))


def channel(row: tuple[str, int, bool, bool]) -> dict[str, Any]:
    """A channel of a client."""
    return dict(zip(("pv", "subscriptions", "readable", "writable"), row, strict=True))


def miss(row: tuple[str, str, int, int, float, float]) -> dict[str, Any]:
    """A name that this server does not have."""
    names = ("name", "client", "clients", "count", "first", "last")
    return dict(zip(names, row, strict=True))
