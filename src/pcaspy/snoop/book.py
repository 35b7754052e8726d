"""What was seen: names with their clients and servers, and servers with their beacons.

All of it is bounded: the names and servers that were seen least recently are forgotten
when there are too many.
"""

from __future__ import annotations

import math
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field

from .wire import Address, Beacon, Hit, Search, is_loopback

MOST_NAMES = 20_000
MOST_SERVERS = 4096
MOST_CLIENTS = 16  # of one name
MOST_OF_A_NAME = 8  # servers
MEMORY = 30.0  # seconds; how long a search counts in a rate
LONGEST_NAME = 1024


@dataclass
class Name:
    """A name that is looked for."""

    name: bytes
    first: float
    last: float = 0.0
    count: int = 0
    clients: OrderedDict[str, int] = field(default_factory=OrderedDict)
    more_clients: bool = False  # there are more than are kept
    servers: dict[Address, float] = field(default_factory=dict)  # when they answered
    asked: int = 0  # times that we asked for it,
    tries: int = 0  # of late
    asked_last: float = -math.inf
    waits: bool = False  # an answer may come yet
    missing: bool = False  # none came
    _rate: float = 0.0

    @property
    def state(self) -> str:
        """Whether some server has it: "found", "missing", or "asked" for until now."""
        if self.servers:
            return "found"
        return "missing" if self.missing else "asked"

    def seen(self, client: str, now: float) -> None:
        """It was searched for."""
        self._rate = self.rate(now) + 1 / MEMORY
        self.last = now
        self.count += 1
        clients = self.clients
        if client in clients or len(clients) < MOST_CLIENTS:
            clients[client] = clients.get(client, 0) + 1
            clients.move_to_end(client)
        else:
            self.more_clients = True

    def rate(self, now: float) -> float:
        """Searches per second of late."""
        if self._rate == 0.0:
            return 0.0
        return self._rate * math.exp((self.last - now) / MEMORY)


@dataclass
class Server:
    """A server that sends beacons."""

    address: Address
    first: float
    last: float
    number: int
    beacons: int = 1
    interval: float = 0.0  # the last one, in seconds; 0: there was one beacon
    restarts: int = 0
    lost: int = 0  # beacons that others before them should have shown
    guid: bytes = b""  # of PVAccess

    def seen(self, number: int, guid: bytes, now: float) -> None:
        """Another beacon."""
        numbers = 2**8 if guid else 2**32
        ahead = (number - self.number) % numbers
        if ahead == 0 and guid == self.guid:
            return  # by another network
        if guid != self.guid or (not guid and ahead >= numbers // 2):
            self.guid = guid
            self.restarts += 1
        else:
            self.lost += ahead - 1
        self.interval = now - self.last
        self.number, self.last = number, now
        self.beacons += 1


class Book:
    """All that was seen.

    Args:
        clock: Seconds, never stepping back.
        most_names: How many names are kept.
        protocol: "ca" or "pva".
    """

    def __init__(
        self,
        clock: Callable[[], float] = time.monotonic,
        most_names: int = MOST_NAMES,
        protocol: str = "ca",
    ) -> None:
        self.protocol = protocol
        self._clock = clock
        self._most_names = most_names
        self.names: OrderedDict[bytes, Name] = OrderedDict()
        self.servers: OrderedDict[Address, Server] = OrderedDict()
        self.own_addresses: set[str] = set()
        # Where servers of PVAccess, which say who they are, have answered from.
        self._address_of: OrderedDict[bytes, Address] = OrderedDict()
        self.began = clock()
        self.counts = dict.fromkeys(
            ("datagrams", "searches", "forgotten", "too_long", "beacons", "asked"), 0
        )

    def search(self, search: Search) -> Name | None:
        """A name was searched for; None: it is too long to be one."""
        self.counts["searches"] += 1
        if len(search.name) > LONGEST_NAME:
            self.counts["too_long"] += 1
            return None
        now = self._clock()
        known = self.names.get(search.name)
        if known is None:
            known = self.names[search.name] = Name(search.name, now)
            if len(self.names) > self._most_names:
                self.names.popitem(last=False)
                self.counts["forgotten"] += 1
        else:
            self.names.move_to_end(search.name)
        known.seen(search.client[0], now)
        return known

    def answer(self, name: bytes, hit: Hit) -> None:
        """A server has answered to our question."""
        known = self.names.get(name)
        if known is None:
            return
        server = hit.server
        if hit.guid:
            server = self._address_of.setdefault(hit.guid, server)
            if len(self._address_of) > MOST_SERVERS:
                self._address_of.popitem(last=False)
        if server in known.servers or len(known.servers) < MOST_OF_A_NAME:
            known.servers[server] = self._clock()

    def beacon(self, beacon: Beacon) -> bool:
        """A beacon has come; whether it is of a server that has just started."""
        self.counts["beacons"] += 1
        now = self._clock()
        known = self.servers.get(beacon.server)
        if known is None:
            made = Server(beacon.server, now, now, beacon.number, guid=beacon.guid)
            self.servers[beacon.server] = made
            if len(self.servers) > MOST_SERVERS:
                self.servers.popitem(last=False)
            return True
        before = known.restarts
        known.seen(beacon.number, beacon.guid, now)
        self.servers.move_to_end(beacon.server)
        return known.restarts > before

    def servers_of(self, name: Name) -> list[Address]:
        """Who has it. A server of this host that answers on loopback, too, is one."""
        here = {port for at, port in name.servers if at in self.own_addresses}
        return [
            (at, port)
            for at, port in name.servers
            if not (is_loopback(at) and port in here)
        ]

    def place(self, name: Name, now: float) -> tuple[int, float]:
        """Sorts names: missing ones, those with several servers, others; by rate."""
        several = len(name.servers) > 1 and len(self.servers_of(name)) > 1
        rank = {"missing": 0, "asked": 2, "found": 3}[name.state]
        return 1 if several else rank, -name.rate(now)
