"""What was seen, for people and for programs."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

from .book import Book, Name, Server
from .watch import Watch
from .wire import printable

_SHOWN_CLIENTS = 3
_COLUMNS = "{:<9} {:>8} {:>7}  {:<40} {}"
_STATES = {"missing": "MISSING", "found": "found", "asked": "asking"}


def _seconds(seconds: float) -> str:
    return f"{seconds:.2f}" if seconds < 10 else f"{seconds:.0f}"


def _place(address: tuple[str, int]) -> str:
    return f"{address[0]}:{address[1]}"


def _shown(book: Book, name: Name) -> str:
    scheme = "pva://" if book.protocol == "pva" else ""
    return scheme + printable(name.name)


class Report:
    """Lines about what a watch has seen until now.

    Args:
        watch: The watch.
        rows: How many names it shows.
    """

    def __init__(self, watch: Watch, rows: int) -> None:
        self._rows = rows
        self._asks = watch.asks
        self._dropped = watch.dropped()
        self._books = [part.book for part in watch.parts]
        self._now = now = time.monotonic()
        names = [(b, name) for b in self._books for name in b.names.values()]
        self._names = sorted(names, key=lambda each: each[0].place(each[1], now))
        self._servers = sorted(
            ((b, server) for b in self._books for server in b.servers.values()),
            key=lambda each: (each[0].protocol, each[1].address),
        )

    def _state(self, name: Name) -> str:
        return name.state if self._asks else "unknown"

    def _counts(self) -> dict[str, int]:
        counts = dict.fromkeys(self._books[0].counts, 0)
        for book in self._books:
            for key, count in book.counts.items():
                counts[key] += count
        return {**counts, "dropped": self._dropped}

    def _seconds(self) -> float:
        return self._now - self._books[0].began

    # ---- for programs ----

    def as_dict(self, last: bool = False) -> dict[str, Any]:
        """All of it, ready for JSON."""
        names = self._names
        return {
            "time": time.time(),
            "seconds": round(self._seconds(), 3),
            "last": last,
            "counts": self._counts(),
            "names_seen": len(names),
            "missing": sum(self._state(name) == "missing" for _, name in names),
            "names": [self._name(*each) for each in names[: self._rows]],
            "servers": [self._server(*each) for each in self._servers],
        }

    def _name(self, book: Book, name: Name) -> dict[str, Any]:
        return {
            "protocol": book.protocol,
            "name": printable(name.name),
            "state": self._state(name),
            "count": name.count,
            "rate": round(name.rate(self._now), 3),
            "age": round(self._now - name.last, 3),
            "clients": dict(name.clients),
            "more_clients": name.more_clients,
            "servers": [_place(each) for each in book.servers_of(name)],
        }

    def _server(self, book: Book, server: Server) -> dict[str, Any]:
        return {
            "protocol": book.protocol,
            "server": _place(server.address),
            "beacons": server.beacons,
            "interval": round(server.interval, 3),
            "age": round(self._now - server.last, 3),
            "restarts": server.restarts,
            "lost": server.lost,
        }

    # ---- for people ----

    def lines(self) -> list[str]:
        """A table."""
        names, counts = self._names, self._counts()
        head = f"{counts['searches']} searches for {len(names)} names in"
        head += f" {self._seconds():.0f} s; {counts['dropped']} datagrams dropped"
        if counts["forgotten"]:
            head += f", {counts['forgotten']} names forgotten"
        made = [head, "", _COLUMNS.format("", "searches", "1/s", "name", "clients")]
        made += [self._line(*each) for each in names[: self._rows]]
        if len(names) > self._rows:
            made.append(f"... and {len(names) - self._rows} more names")
        several = [
            (_shown(book, name), ", ".join(map(_place, servers)))
            for book, name in names
            if len(servers := book.servers_of(name)) > 1
        ]
        for name, places in several[: self._rows]:
            made.append(f"WARNING: {name} is served by {places}")
        return made + self._beacon_lines()

    def _line(self, book: Book, name: Name) -> str:
        state = self._state(name)
        shown = _STATES.get(state, state)
        servers = book.servers_of(name)
        if len(servers) > 1:
            shown = f"{len(servers)} times"
        clients = list(reversed(name.clients))
        text = ", ".join(clients[:_SHOWN_CLIENTS])
        if len(clients) > _SHOWN_CLIENTS or name.more_clients:
            more = len(clients) - _SHOWN_CLIENTS
            text += f" and {max(more, 1)}{'+' if name.more_clients else ''} more"
        if state == "found" and servers:
            text += f" -> {_place(servers[0])}"
        rate = f"{name.rate(self._now):.2f}"
        return _COLUMNS.format(shown, name.count, rate, _shown(book, name), text)

    def _beacon_lines(self) -> list[str]:
        if not self._servers:
            return ["", "no beacons yet"]
        head = f"{'server':<22} {'beacons':>8} {'interval':>9} {'last':>7}  trouble"
        made = ["", head]
        for book, each in self._servers[: self._rows]:
            trouble = ["PVAccess"] if book.protocol == "pva" else []
            if each.restarts:
                trouble.append(f"{each.restarts} restarts")
            if each.lost:
                trouble.append(f"{each.lost} beacons lost")
            made.append(
                f"{_place(each.address):<22} {each.beacons:>8}"
                f" {_seconds(each.interval):>9} {_seconds(self._now - each.last):>7}"
                f"  {', '.join(trouble)}".rstrip()
            )
        return made


class News:
    """Lines about what has changed since the last time, for files and pipes."""

    def __init__(self, watch: Watch) -> None:
        self._asks = watch.asks
        self._books = [
            (part.book, dict[bytes, str](), dict[tuple[str, int], int]())
            for part in watch.parts
        ]

    def lines(self) -> list[str]:
        """What is new."""
        made: list[str] = []
        for book, told, servers in self._books:
            made += self._of_names(book, told)
            made += self._of_servers(book, servers)
        return made

    def _of_names(self, book: Book, told: dict[bytes, str]) -> Iterator[str]:
        for name in list(book.names.values()):
            what = self._what(book, name)
            if what and told.get(name.name) != what:
                told[name.name] = what
                client = next(reversed(name.clients), "?")
                yield f"{_shown(book, name)}: {what} (asked by {client})"
        for forgotten in told.keys() - book.names.keys():
            del told[forgotten]

    def _what(self, book: Book, name: Name) -> str:
        if not self._asks:
            return "searched"
        servers = ", ".join(map(_place, sorted(book.servers_of(name))))
        if "," in servers:
            return f"WARNING: served by {servers}"
        if servers:
            return f"found: {servers}"
        return "MISSING" if name.state == "missing" else ""

    @staticmethod
    def _of_servers(book: Book, known: dict[tuple[str, int], int]) -> Iterator[str]:
        for server in list(book.servers.values()):
            before = known.get(server.address)
            where = f"{_place(server.address)} ({book.protocol})"
            if before is None:
                yield f"server {where}: beacons"
            elif before != server.restarts:
                yield f"server {where}: restarted"
            known[server.address] = server.restarts
        for gone in known.keys() - book.servers.keys():
            del known[gone]
