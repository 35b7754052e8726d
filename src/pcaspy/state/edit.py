"""Entries of a state file as people see and change them."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any

from .format import EPICS_EPOCH, Entry, sealed, stamp_text
from .values import FLOATS, INTEGERS, Labelled, members, saved_value, text_text

_LONGEST_STRING = 39  # bytes


def plain_value(entry: Entry) -> Any:
    """The value as JSON has it: enums as labels, arrays as lists.

    Raises:
        ValueError: It makes no sense.
    """
    value = saved_value(entry).value
    if isinstance(value, Labelled):
        return value.labels if isinstance(entry["value"], list) else value.labels[0]
    return _plain(value)


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _plain(items) for name, items in value.items()}
    if isinstance(value, list):
        return [_plain(item) for item in value]
    if hasattr(value, "tolist"):
        return _plain(value.tolist())
    if isinstance(value, float) and not abs(value) < float("inf"):
        return str(value)
    return value


def changed_line(entry: Entry, text: str) -> bytes:
    """The line with another value, set now.

    Raises:
        ValueError: It is none that such a PV can have; the text says which ones can be.
    """
    name, kind = entry["pv"], entry["type"]
    most = entry.get("count", 1)
    labels = entry.get("labels")
    value = _parsed(kind, text, most, labels)
    seconds, nanoseconds = divmod(time.time_ns(), 10**9)
    return sealed(
        f'{{"pv":{text_text(name)},"type":"{kind}",{members(value, labels, most)},'
        f'"time":"{stamp_text(seconds - EPICS_EPOCH, nanoseconds)}"'
    )


def _parsed(kind: str, text: str, most: int, labels: list[str] | None) -> Any:
    make, allowed = _maker(kind, most, labels)
    if kind == "text" or (kind in ("char", "uchar") and most > 1 and text[:1] != "["):
        return _checked(_text(most), text, f"text of at most {most} bytes")
    if most == 1:
        value = _checked(make, text, allowed)
        return [value] if kind in ("char", "uchar") else value
    items = _list(text) if text[:1] == "[" else [text]
    if len(items) > most:
        raise ValueError(f"{len(items)} elements: at most {most} are allowed")
    made = [_checked(make, item, allowed) for item in items]
    return made[0] if len(made) == 1 and text[:1] != "[" else made


def _list(text: str) -> list[str]:
    try:
        items = json.loads(text, parse_float=str, parse_int=str)
    except ValueError as error:
        raise ValueError(f"{text!r} is no list as JSON has it: {error}") from None
    return [item if isinstance(item, str) else str(item) for item in items]


def _checked(make: Callable[[str], Any], text: str, allowed: str) -> Any:
    try:
        return make(text)
    except ValueError:
        raise ValueError(f"{text!r}: {allowed} is allowed") from None


def _maker(
    kind: str, most: int, labels: list[str] | None
) -> tuple[Callable[[str], Any], str]:
    """What makes a value of a text, and what such a text is."""
    if labels is not None:
        states = labels
        return lambda text: _state(text, states), "one of the labels " + ", ".join(
            map(repr, labels)
        )
    if kind in FLOATS:
        return float, "a number"
    if kind in INTEGERS:
        low, high = INTEGERS[kind]
        return (
            lambda text: _whole(text, low, high),
            f"a whole number from {low} to {high}",
        )
    if kind in ("string", "str"):
        return _text(_LONGEST_STRING), f"text of at most {_LONGEST_STRING} bytes"
    if kind == "text":
        return _text(most), "text"
    raise ValueError(f"a value of type {kind!r} cannot be changed here")


def _state(text: str, labels: list[str]) -> int:
    if text in labels:
        return labels.index(text)
    return _whole(text, 0, len(labels) - 1)


def _whole(text: str, low: int, high: int) -> int:
    value = int(text, 0)
    if not low <= value <= high:
        raise ValueError
    return value


def _text(most: int) -> Callable[[str], str]:
    def checked(text: str) -> str:
        if len(text.encode("utf-8", "surrogateescape")) > most:
            raise ValueError
        return text

    return checked
