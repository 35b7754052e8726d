"""The types of a server's options, for type checkers. No server needs them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypedDict


class Limits(TypedDict, total=False):
    """Limits of a server. Each has a variable: PCASPY_ and its name in capitals.

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
    """All keyword arguments of a server's constructor except port and interfaces.

    The other names of the engine's other table (ext/server/options.hpp) follow the
    limits.
    """

    udp_port: int
    tcp_port: int
    ignored: Sequence[str]
    beacon_addresses: Sequence[str]
    auto_beacon_addresses: bool
    beacon_port: int
    beacon_period: float
    multicast_ttl: int
    neighbours: bool
