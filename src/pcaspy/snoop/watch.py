"""Listens, asks, and counts, in one thread."""

from __future__ import annotations

import contextlib
import functools
import math
import os
import secrets
import selectors
import socket
import time
from collections import OrderedDict, deque
from collections.abc import Callable, Iterable, Iterator
from typing import Protocol

from . import pva_wire, sockets, wire
from .book import Book, Name
from .wire import CA, Address

_MOST_AT_ONCE = 2000  # datagrams of a socket before the others have a turn
_NAMES_PER_TURN = 25  # asked for,
_TURN = 0.05  # every so many seconds
PATIENCE = 1.0  # seconds that an answer may take
_TRIES = 2  # until a name counts as missing
_AGAIN = 30.0  # seconds until a name that is still looked for is asked for again
_REST = 5.0  # seconds between two such rounds because servers have started
_MOST_WAITING = 50_000  # names that we will ask for
_LOOK = 10.0  # seconds between two looks at the networks of this host
_FEW_REGISTERED = 256  # clients for whom nobody looks whether they have ended
_MOST_REGISTERED = 16_384


class Beacons:
    """Hears beacons: as the repeater of this host where there is none, or from it.

    While we have its port, clients of this host find no other repeater. So their
    registrations are taken, and they get copies.
    """

    def __init__(
        self, port: int, book: Book, server_started: Callable[[], None]
    ) -> None:
        self._port = port
        self._book = book
        self._server_started = server_started
        repeater = sockets.exclusive(port)
        self.is_repeater = repeater is not None
        self.socket = sockets.asking() if repeater is None else repeater
        self._clients: OrderedDict[Address, None] = OrderedDict()
        self._many = _FEW_REGISTERED  # so many are worth a look
        self.registered = self.is_repeater

    def register(self) -> None:
        """Once in a while: a repeater may have been restarted."""
        if not self.is_repeater:
            self._send(wire.registration("127.0.0.1"), ("127.0.0.1", self._port))

    def _send(self, data: bytes, to: Address) -> None:
        try:
            self.socket.sendto(data, to)
        except OSError:
            self._clients.pop(to, None)

    def take(self, data: bytes, source: Address) -> None:
        """A datagram has come."""
        if self.is_repeater and wire.is_registration(data):
            if wire.is_loopback(source[0]) or source[0] in self._book.own_addresses:
                self._clients[source] = None
                if len(self._clients) > self._many:
                    self._forget_ended()
                self._send(wire.confirmation(source[0]), source)
            return
        if not self.is_repeater and wire.is_confirmation(data):
            self.registered = True
        for beacon in wire.beacons(data, source):
            if self._book.beacon(beacon):
                self._server_started()
            if self._clients:
                copy = wire.beacon(beacon)
                for client in list(self._clients):
                    self._send(copy, client)

    def _forget_ended(self) -> None:
        """Those whose ports are free again."""
        for client in list(self._clients):
            if sockets.is_free(client[1]):
                del self._clients[client]
        while len(self._clients) > _MOST_REGISTERED:
            self._clients.popitem(last=False)
        self._many = max(2 * len(self._clients), _FEW_REGISTERED)


class Wire(Protocol):
    """What `wire` and `pva_wire` have."""

    def searches(
        self, data: bytes, source: Address, relayed: bool, own: int
    ) -> list[wire.Search]:
        """The names that a datagram asks for."""
        ...

    def hits(self, data: bytes, source: Address) -> list[wire.Hit]:
        """The answers in a datagram."""
        ...

    def beacons(self, data: bytes, source: Address) -> list[wire.Beacon]:
        """The beacons in a datagram."""
        ...

    def questions(
        self, asked: Iterable[tuple[int, bytes]], own: int, port: int
    ) -> Iterator[bytes]:
        """Datagrams that ask for names."""
        ...

    def can_be_asked(self, name: bytes) -> bool:
        """Whether one fits."""
        ...


class Questions:
    """Asks for names, no more than a few hundred a second, and takes the answers."""

    def __init__(
        self,
        form: Wire,
        book: Book,
        targets: Callable[[], Iterable[Address]],
        patience: float,
    ) -> None:
        self._form = form
        self._patience = patience
        self.socket = sockets.asking()
        self._port = self.socket.getsockname()[1]
        # Marks what is ours. Clients count their datagrams from 0.
        self.own = 2**31 + secrets.randbelow(2**31)
        self._book = book
        self._targets = targets
        self._wanted: deque[Name] = deque()
        self._open: deque[tuple[float, int, Name]] = deque()
        self._names: dict[int, bytes] = {}
        self._next = secrets.randbelow(2**31)
        self._look_for_missing = False
        self._missing_due = 0.0

    def consider(self, name: Name, now: float) -> None:
        """It was searched for."""
        if name.waits or now - name.asked_last < _AGAIN:
            return
        if self._form.can_be_asked(name.name) and len(self._wanted) < _MOST_WAITING:
            name.waits = True
            name.tries = 0
            self._wanted.append(name)

    def server_started(self) -> None:
        """It may have what is missing."""
        self._look_for_missing = True

    def _ask_again(self, now: float) -> None:
        self._look_for_missing = False
        self._missing_due = now + _REST
        for name in list(self._book.names.values()):
            if name.state == "missing":
                name.asked_last = -math.inf
                self.consider(name, now)

    def turn(self, now: float) -> None:
        """Asks for the next few names; those without an answer once more."""
        if self._look_for_missing and now >= self._missing_due:
            self._ask_again(now)
        while self._open and self._open[0][0] <= now:
            _, cid, name = self._open.popleft()
            self._names.pop(cid, None)
            late = name.asked_last - self._patience
            answered = any(when >= late for when in name.servers.values())
            if not answered and name.tries < _TRIES:
                self._wanted.append(name)
                continue
            name.waits = False
            recent = name.asked_last - self._patience * _TRIES
            for server in [s for s, when in name.servers.items() if when < recent]:
                del name.servers[server]  # it has it no more
            name.missing = not name.servers
        asked: list[tuple[int, bytes]] = []
        while self._wanted and len(asked) < _NAMES_PER_TURN:
            name = self._wanted.popleft()
            self._next = (self._next + 1) % 2**32
            name.asked += 1
            name.tries += 1
            name.asked_last = now
            self._names[self._next] = name.name
            self._open.append((now + self._patience, self._next, name))
            asked.append((self._next, name.name))
        self._book.counts["asked"] += len(asked)
        if asked:
            targets = list(self._targets())
            for frame in self._form.questions(asked, self.own, self._port):
                for target in targets:
                    try:
                        self.socket.sendto(frame, target)
                    except OSError:  # that network is down
                        continue

    def take(self, data: bytes, source: Address) -> None:
        """Answers have come."""
        for hit in self._form.hits(data, source):
            name = self._names.get(hit.cid)
            if name is not None:
                self._book.answer(name, hit)


Take = Callable[[bytes, Address], None]


class Part:
    """One protocol: where it is heard, what is asked, what was seen.

    Args:
        form: The form of its datagrams.
        book: Where everything is noted.
        port: Where clients search.
        interface: Address of the only interface to listen at, or 0.0.0.0.
        further: Where to ask besides the broadcast addresses.
        patience: Seconds that an answer may take; None: nothing is asked.
        add: Takes a socket, and what takes its datagrams.
    """

    def __init__(
        self,
        form: Wire,
        book: Book,
        port: int,
        interface: str,
        further: Iterable[Address],
        patience: float | None,
        add: Callable[[socket.socket, Take], None],
    ) -> None:
        self.book, self.port = book, port
        self._form, self._interface, self._add = form, interface, add
        self._further = list(further)
        self._heard: dict[str, socket.socket] = {}
        self.problems: list[str] = []
        self.questions = None
        if patience is not None:
            self.questions = Questions(form, book, self._targets, patience)
            add(self.questions.socket, self.questions.take)
        self.look_at_networks()
        if not self._heard:
            raise OSError(f"no search can be heard: {'; '.join(self.problems)}")

    @property
    def listens_at(self) -> list[str]:
        """The addresses where searches are heard."""
        return list(self._heard)

    def _targets(self) -> list[Address]:
        found = [
            (sockets.LOOPBACK if at == sockets.EVERYWHERE else at, self.port)
            for at in self._heard
            if at != sockets.LIMITED  # the same hosts again
        ]
        return list(dict.fromkeys([*found, *self._further]))

    def look_at_networks(self) -> None:
        """Those that are new are listened to."""
        self.problems.clear()
        for address in sockets.heard_at(self._interface):
            if address in self._heard:
                continue
            try:
                sock = sockets.shared(address, self.port)
            except OSError as error:
                reason = os.strerror(error.errno) if error.errno else str(error)
                self.problems.append(f"{address}:{self.port}: {reason}")
                continue
            self._heard[address] = sock
            relayed = address in (sockets.LOOPBACK, sockets.EVERYWHERE)
            self._add(sock, functools.partial(self._hear, relayed))
            own = sockets.sent_from((address, self.port))
            if own and not wire.is_loopback(own):
                self.book.own_addresses.add(own)

    def server_started(self) -> None:
        """It may have what is missing."""
        if self.questions is not None:
            self.questions.server_started()

    def _hear(self, relayed: bool, data: bytes, source: Address) -> None:
        self.book.counts["datagrams"] += 1
        own = -1 if self.questions is None else self.questions.own
        for search in self._form.searches(data, source, relayed, own):
            name = self.book.search(search)
            if name is not None and self.questions is not None:
                self.questions.consider(name, name.last)
        if self.book.protocol == "pva":  # on the same port; CA's have their own
            for beacon in self._form.beacons(data, source):
                if self.book.beacon(beacon):
                    self.server_started()


class Watch:
    """Everything at work. Call `run`, then look at the books of `parts`.

    Args:
        port: Where clients of Channel Access search.
        interface: Address of the only interface to listen at, or 0.0.0.0.
        repeater_port: Where beacons are.
        asks: Whether to look for the names that others look for.
        further: Where to ask besides the broadcast addresses.
        book: Where everything is noted; a new one if it is not given.
        patience: Seconds that an answer may take.
        pva_port: Where clients of PVAccess search; None: these are not watched.

    Raises:
        OSError: An address or port cannot be used.
    """

    def __init__(
        self,
        port: int,
        interface: str = sockets.EVERYWHERE,
        repeater_port: int = CA["REPEATER_PORT"],
        asks: bool = True,
        further: Iterable[Address] = (),
        book: Book | None = None,
        patience: float = PATIENCE,
        pva_port: int | None = None,
    ) -> None:
        self._selector = selectors.DefaultSelector()
        self._take: dict[socket.socket, Take] = {}
        self._next_look = self._next_turn = 0.0
        self.asks = asks
        waits = patience if asks else None
        with contextlib.ExitStack() as made:
            made.callback(self.close)
            self.book = Book() if book is None else book
            ca = Part(wire, self.book, port, interface, further, waits, self._add)
            self.parts = [ca]
            if pva_port is not None:
                pva = Book(protocol="pva")
                self.parts.append(
                    Part(pva_wire, pva, pva_port, interface, (), waits, self._add)
                )
            self.beacons = Beacons(repeater_port, self.book, ca.server_started)
            self._add(self.beacons.socket, self.beacons.take)
            made.pop_all()

    def close(self) -> None:
        """Closes all sockets."""
        for sock in list(self._take):
            self._selector.unregister(sock)
            sock.close()
        self._take.clear()
        self._selector.close()

    def _add(self, sock: socket.socket, take: Take) -> None:
        self._take[sock] = take
        self._selector.register(sock, selectors.EVENT_READ)

    @property
    def problems(self) -> list[str]:
        """Where nothing can be heard, and why."""
        return [problem for part in self.parts for problem in part.problems]

    def dropped(self) -> int:
        """Datagrams that came too fast."""
        return sockets.dropped(list(self._take))

    def run(self, until: float) -> None:
        """Listens until that time of the monotonic clock."""
        while (now := time.monotonic()) < until:
            if now >= self._next_look:
                self._next_look = now + _LOOK
                self.beacons.register()
                for part in self.parts:
                    part.look_at_networks()
            if now >= self._next_turn:
                self._next_turn = now + _TURN
                for part in self.parts:
                    if part.questions is not None:
                        part.questions.turn(now)
            due = min(until, self._next_look, self._next_turn)
            for key, _ in self._selector.select(max(due - time.monotonic(), 0.0)):
                sock = key.fileobj
                assert isinstance(sock, socket.socket)
                take = self._take[sock]
                for data, source in sockets.datagrams(
                    sock, _MOST_AT_ONCE, CA["MOST_RECEIVED"]
                ):
                    take(data, source)
