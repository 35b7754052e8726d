"""A put as a line: the JSON that log servers of IOCs take, and text for people."""

from __future__ import annotations

import json
import math
import time
from functools import lru_cache
from typing import Any

from ..native._put_log import Put


def json_line(put: Put, lost: int = 0) -> str:
    """As caPutLog writes it, with more of ours behind; without the line's end.

    `lost` is how many puts before it are missing.
    """
    second = math.floor(put.time)
    date, time_of_day = _local(second)
    made: dict[str, Any] = {
        "date": date,
        "time": f"{time_of_day}{int((put.time - second) * 1000):03}",
        "host": put.host,
        "user": put.user,
        "pv": put.pv,
    }
    _add_value(made, "new", put.new, put.new_size, put.is_array)
    _add_value(made, "old", put.old, put.old_size, put.is_array)
    if put.least is not None:
        made["min"], made["max"] = _plain(put.least), _plain(put.most)
    if put.more:
        made["burst_count"] = put.more
    made["address"], made["protocol"] = put.address, put.protocol
    made["outcome"] = put.outcome
    if lost:
        made["lost"] = lost
    return _encode(made)


# A cached encoder: `json.dumps` makes one for each call with arguments as these.
_encode = json.JSONEncoder(separators=(",", ":"), allow_nan=False).encode


@lru_cache(maxsize=16)
def _local(second: int) -> tuple[str, str]:
    """Date and time of day in local time."""
    when = time.localtime(second)
    return time.strftime("%Y-%m-%d", when), time.strftime("%H:%M:%S.", when)


def _add_value(
    made: dict[str, Any], key: str, value: Any, size: int, is_array: bool
) -> None:
    if is_array and size >= 0:
        made[key], made[f"{key}-size"] = _elements(value), size
    else:
        made[key] = _plain(value)


def _elements(value: Any) -> list[Any]:
    if value is None:
        return []
    return (
        [_plain(element) for element in value]
        if isinstance(value, list)
        else [_plain(value)]
    )


def _plain(value: Any) -> Any:
    """What JSON has no number for is text, as log servers know it."""
    if isinstance(value, list):
        return [_plain(element) for element in value]
    if isinstance(value, float) and not math.isfinite(value):
        return "Nan" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        return int(value)
    return value


def text_line(put: Put, lost: int = 0) -> str:
    """One line for people; nothing in it ends the line or moves the cursor."""
    over = {"pva": ", PVAccess", "control": ", control"}.get(put.protocol, "")
    text = (
        f"{put.pv}: {_safe(put.user)}@{_safe(put.host)} ({put.address}{over})"
        f" old={_brief(put.old)} new={_brief(put.new)} {put.outcome}"
    )
    if put.more:
        text += f"; {put.more + 1} puts"
    if put.least is not None:
        text += f" from {_brief(put.least)} to {_brief(put.most)}"
    if lost:
        text += f"; {lost} puts before it are missing"
    return text


def _brief(value: Any) -> str:
    return _encode(_plain(value))


def _safe(text: str) -> str:
    return text if text.isprintable() else json.dumps(text)[1:-1]
