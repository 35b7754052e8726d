"""Options of a server: keyword arguments of its constructor, and limits.

Keyword arguments override environment variables, and these override the defaults.
"""

from __future__ import annotations

import math
import os
import re
from collections.abc import Callable, Collection, Mapping
from functools import partial

from ..native._tables import limits, options

TYPE_CHECKING = False  # typing takes long to import
if TYPE_CHECKING:
    from typing import Any


class Range:
    """Integers that an option may be."""

    __slots__ = ("least", "most", "standard")

    def __init__(self, least: int, most: int, standard: int = 0) -> None:
        self.least, self.most, self.standard = least, most, standard


_LONGEST_ADDRESS = 255

LIMITS = {
    name: Range(least, most, standard) for name, standard, least, most, _, _ in limits()
}


_CONTROL_NAME = r"(?![0-9-]+$)[\w.:-]{1,64}"
_SWITCH = {"YES": True, "NO": False, "1": True, "0": False}


def switched(name: str, given: bool | None, variable: str, otherwise: str) -> bool:
    """What a keyword argument says; without it the variable, or `otherwise`.

    Raises:
        ValueError: It is neither True nor False, or the variable neither YES nor NO.
    """
    if given is not None:
        if not isinstance(given, bool):
            raise ValueError(f"{name} is {given!r}: True or False is allowed")
        return given
    text = os.environ.get(variable, "").strip() or otherwise
    if text.upper() not in _SWITCH:
        raise ValueError(f"{variable} is {text!r}: YES or NO is allowed")
    return _SWITCH[text.upper()]


CONTROL = "PCASPY_CONTROL"  # switches control on, or off, or gives it a name


def control_name(given: bool | str | None) -> str | None:
    """The name that a server has for control; empty: that of the program; None: off.

    Args:
        given: What the keyword argument says; None for what the variable says.

    Raises:
        ValueError: It is not True, False or a name.
    """
    if given is None:
        text = os.environ.get(CONTROL, "").strip()
        given = _SWITCH.get(text.upper(), text) if text else False
    if isinstance(given, bool):
        return "" if given else None
    if not isinstance(given, str) or not re.fullmatch(_CONTROL_NAME, given):
        raise ValueError(
            f"control is {given!r}: True, False or a name is allowed, of letters,"
            " digits and _.:- but no number"
        )
    return given


def resolve(given: Mapping[str, Any]) -> dict[str, Any]:
    """The engine's options: `given`, and limits that the environment sets.

    Raises:
        TypeError: An option does not exist.
        ValueError: A value is not allowed.
    """
    checks = _checks()
    for name in given:
        if name not in checks and name != "port":
            import difflib  # takes long

            close = difflib.get_close_matches(name, [*checks, "port"], n=1)
            meant = f"; did you mean {close[0]!r}?" if close else ""
            if name in ("prefix", "pvdb"):
                meant = "; createPV(prefix, pvdb) takes it"
            raise TypeError(f"there is no server option {name!r}{meant}")
    if "port" in given:
        port = _check_whole("port", Range(0, 65535), given["port"])
        given = {"udp_port": port, "tcp_port": port, **given}
        del given["port"]
    chosen = {**_from_environment(), **given}
    for name, value in chosen.items():
        checks[name](value)
    return chosen


def variable(limit: str) -> str:
    """The variable of the environment that sets a limit."""
    return "PCASPY_" + limit.upper()


def _from_environment() -> dict[str, int]:
    found = {}
    for name, allowed in LIMITS.items():
        text = os.environ.get(variable(name), "").strip()
        if text:
            value = int(text) if text.isascii() and text.isdigit() else text
            found[name] = _check_whole(variable(name), allowed, value)
    return found


def _checks() -> dict[str, Callable[[Any], object]]:
    """What raises ValueError for a value that an option cannot have, by name."""
    checks: dict[str, Callable[[Any], object]] = {
        name: partial(_check_whole, name, LIMITS[name]) for name in LIMITS
    }
    for name, kind, _, least, most, _, _ in options():
        if kind == "whole":
            checks[name] = partial(_check_whole, name, Range(int(least), int(most)))
        elif kind == "seconds":
            checks[name] = partial(_check_seconds, name, least)
        else:
            checks[name] = partial(
                _check_switch if kind == "switch" else _check_list, name
            )
    return checks


def _check_whole(name: str, allowed: Range, value: Any) -> int:
    right = isinstance(value, int) and not isinstance(value, bool)
    if not right or not allowed.least <= value <= allowed.most:
        raise ValueError(
            f"{name} is {value!r}: an integer from {allowed.least} to"
            f" {allowed.most} is allowed"
        )
    return int(value)


def _check_seconds(name: str, least: float, value: Any) -> None:
    right = isinstance(value, int | float) and not isinstance(value, bool)
    if not right or not least <= value < math.inf:
        raise ValueError(f"{name} is {value!r}: seconds from {least:g} are allowed")


def _check_switch(name: str, value: Any) -> None:
    if not isinstance(value, bool | int) or value not in (0, 1):
        raise ValueError(f"{name} is {value!r}: True or False is allowed")


def _check_list(name: str, value: Any) -> None:
    if isinstance(value, str | bytes) or not isinstance(value, Collection):
        raise ValueError(f"{name} is {value!r}: a list of texts is allowed")
    for text in value:
        if not isinstance(text, str) or len(text) > _LONGEST_ADDRESS or "\0" in text:
            raise ValueError(
                f"{name} has {str(text)[:40]!r}...: a host name or address of at most"
                f" {_LONGEST_ADDRESS} characters, without NUL, is allowed"
            )
