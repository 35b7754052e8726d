"""What a server is told at its start: keywords of its constructor, and limits.

Keywords go before the variables of the environment, these before what is built in.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, TypedDict


class Limits(TypedDict, total=False):
    """How much clients get. Each has a variable: PCASPY_ and its name in capitals."""

    max_circuits: int  # connections in total
    max_circuits_per_host: int
    max_channels: int  # per circuit
    max_subscriptions: int  # per circuit
    max_request: int  # bytes of data of one request
    max_response: int  # bytes of data of one reply or update
    max_output: int  # unsent bytes at which a circuit's requests and updates wait
    max_open_requests: int  # per circuit, that wait for Python
    max_open_bytes: int  # per circuit, of their values
    max_deferred_puts: int  # per circuit, that the driver has not completed
    max_queued_requests: int  # of all circuits, that wait for Python
    max_queued_bytes: int  # of all circuits, of their values
    max_searches_per_turn: int  # names looked up before others get their turn
    max_log_rate: int  # messages a second about one client


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


_MANY = 1 << 40
_LARGEST_PAYLOAD = (1 << 31) - 64  # what clients' own arithmetic bears

LIMITS = {
    "max_circuits": Range(1, 10_000_000),
    "max_circuits_per_host": Range(1, 10_000_000),
    "max_channels": Range(1, 10_000_000),
    "max_subscriptions": Range(1, 10_000_000),
    "max_request": Range(16384, _LARGEST_PAYLOAD),
    "max_response": Range(16384, _LARGEST_PAYLOAD),
    "max_output": Range(1, _MANY),
    "max_open_requests": Range(1, 10_000_000),
    "max_open_bytes": Range(1, _MANY),
    "max_deferred_puts": Range(1, 10_000_000),
    "max_queued_requests": Range(1, 10_000_000),
    "max_queued_bytes": Range(1, _MANY),
    "max_searches_per_turn": Range(1, 10_000_000),
    "max_log_rate": Range(0, 1_000_000),
}
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
    if not isinstance(period, int | float) or not 0 < period < float("inf"):
        raise ValueError(f"beacon_period is {period!r}: seconds above 0 are allowed")
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
