"""What a server is told at its start: keywords of its constructor, and limits.

Keywords go before the variables of the environment, these before what is built in.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, TypedDict

from ..native._tables import limits


class Limits(TypedDict, total=False):
    """How much clients get. Each has a variable: PCASPY_ and its name in capitals.

    The names of the engine's table (ext/server/limits.hpp), for type checkers.
    """

    max_circuits: int
    max_circuits_per_host: int
    descriptor_reserve: int
    max_held_bytes: int
    max_held_bytes_per_host: int
    max_channels: int
    max_subscriptions: int
    max_request: int
    max_response: int
    max_output: int
    max_open_requests: int
    max_open_bytes: int
    max_deferred_puts: int
    max_queued_requests: int
    max_queued_bytes: int
    max_searches_per_turn: int
    max_log_rate: int
    client_timeout: int


class ServerOptions(Limits, total=False):
    """All keywords of a server's constructor but port and interfaces."""

    udp_port: int
    tcp_port: int
    ignored: Sequence[str]
    beacon_addresses: Sequence[str]
    auto_beacon_addresses: bool
    beacon_port: int
    beacon_period: float
    multicast_ttl: int


class Range(NamedTuple):
    """Integers that an option may be."""

    least: int
    most: int


_LONGEST_ADDRESS = 255

LIMITS = {name: Range(least, most) for name, _, least, most, _, _ in limits()}
_NUMBERS = {
    **LIMITS,
    "udp_port": Range(0, 65535),
    "tcp_port": Range(0, 65535),
    "beacon_port": Range(1, 65535),
    "multicast_ttl": Range(0, 255),
}


def resolve(given: Mapping[str, Any]) -> dict[str, Any]:
    """The engine's options: `given`, and limits that the environment sets.

    Raises:
        TypeError: There is no such option.
        ValueError: A number is not one that is allowed.
    """
    known = ServerOptions.__annotations__.keys() | {"interfaces"}
    for name in given:
        if name not in known:
            raise TypeError(f"there is no server option {name!r}")
    chosen = {**_from_environment(), **given}
    for name, value in chosen.items():
        if name in _NUMBERS:
            _check(name, value, _NUMBERS[name])
    period = chosen.get("beacon_period", 1.0)
    if not isinstance(period, int | float) or not 0.01 <= period < float("inf"):
        raise ValueError(f"beacon_period is {period!r}: seconds from 0.01 are allowed")
    for name in ("interfaces", "ignored", "beacon_addresses"):
        for text in chosen.get(name, ()):
            if len(text) > _LONGEST_ADDRESS or "\0" in text:
                raise ValueError(
                    f"{name} has {text[:40]!r}...: a host name or address of at most"
                    f" {_LONGEST_ADDRESS} characters, without NUL, is allowed"
                )
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
            found[name] = _check(variable(name), value, allowed)
    return found


def _check(name: str, value: Any, allowed: Range) -> int:
    right = isinstance(value, int) and not isinstance(value, bool)
    if not right or not allowed.least <= value <= allowed.most:
        raise ValueError(
            f"{name} is {value!r}: an integer from {allowed.least} to"
            f" {allowed.most} is allowed"
        )
    return int(value)
