"""What each request of the control protocol is answered with."""

from __future__ import annotations

import itertools
import os
import sys
import time
from collections.abc import Callable, Mapping
from typing import Any

from .._version import __version__
from ..host import pva as pva_host
from ..native._handle import PvHandle
from ..native._inspect import SORTS, Inspection
from ..native._tables import counters
from ..served.registry import Registry
from . import rows
from .calls import Calls

PROTOCOL = 1
_LONGEST_MATCH = 256  # characters


class RefusedError(Exception):
    """The answer is an error with this text."""


class Put:
    """A put that the driver has not accepted yet."""

    def __init__(self, number: int) -> None:
        self.number = number


class Answers:
    """Answers for one server; in the control thread only.

    Args:
        held: What the server serves.
        name: Of the server, as `hello` says it.
    """

    def __init__(self, held: Registry, name: str) -> None:
        if held.engine is None:
            raise RuntimeError("the server is gone")
        self._held = held
        self._engine = held.engine
        self._name = name
        self._started = time.time()
        self._numbers = itertools.count(1)
        self._table = _counters(held)
        self._asks: dict[str, Callable[[Mapping[str, Any]], dict[str, Any]]] = {
            "hello": self._hello,
            "stats": self._stats,
            "pvs": self._pvs,
            "get": self._get,
            "circuits": self._circuits,
            "channels": self._channels,
            "slow": self._slow,
            "misses": self._misses,
        }
        self.inspection = Inspection(self._engine)
        self.calls = Calls(self._engine.timing)

    def answer(self, request: Mapping[str, Any], user: str) -> dict[str, Any] | Put:
        """The result, or a put whose progress `inspection` will bring.

        Raises:
            RefusedError: Why there is none.
        """
        do = request.get("do")
        if do == "put":
            return self._put(request, user)
        ask = self._asks.get(do) if isinstance(do, str) else None
        if ask is None:
            known = ", ".join([*self._asks, "put"])
            raise RefusedError(f"do is {_shown(do)}; there are {known}")
        return ask(request)

    def _hello(self, _request: Mapping[str, Any]) -> dict[str, Any]:
        pva = self._held.pva
        return {
            "protocol": PROTOCOL,
            "version": __version__,
            "pid": os.getpid(),
            "name": self._name,
            "started": self._started,
            "command": list(sys.orig_argv),
            "pvs": len(self._held.pvf),
            "tcp_port": self._engine.tcp_port,
            "udp_port": self._engine.udp_port,
            "pva_tcp_port": pva.tcp_port if pva is not None else None,
            "pva_udp_port": pva.udp_port if pva is not None else None,
        }

    def _stats(self, _request: Mapping[str, Any]) -> dict[str, Any]:
        return {
            "time": time.time(),
            "counters": self._held.stats(),
            "kinds": {name: kind for name, kind, _ in self._table},
            "meanings": {name: meaning for name, _, meaning in self._table},
        }

    # ---- PVs ----

    def _pvs(self, request: Mapping[str, Any]) -> dict[str, Any]:
        sort = request.get("sort", "name")
        if not isinstance(sort, str) or sort not in SORTS:
            raise RefusedError(f"sort is {_shown(sort)}; there are {', '.join(SORTS)}")
        match = _text(request, "match", "")
        if len(match) > _LONGEST_MATCH:
            raise RefusedError(f"match has more than {_LONGEST_MATCH} characters")
        descending = request.get("descending", False)
        if not isinstance(descending, bool):
            raise RefusedError("descending is true or false")
        total, matching, found = self.inspection.rows(
            match,
            SORTS[sort],
            descending,
            _whole(request, "offset", 0, 1 << 32),
            _whole(request, "limit", 100, rows.MOST),
        )
        return {"total": total, "matching": matching, "rows": list(map(rows.pv, found))}

    def _get(self, request: Mapping[str, Any]) -> dict[str, Any]:
        name = _text(request, "pv")
        found = self.inspection.find(name, rows.MOST)
        if found is None:
            raise RefusedError(f"there is no PV {_shown(name)}")
        row, details = found
        return {**rows.pv(row), **rows.details(details)}

    def _put(self, request: Mapping[str, Any], user: str) -> Put:
        name = _text(request, "pv")
        if "value" not in request:
            raise RefusedError("value is missing")
        pv = self._held.pvf.get(name, self._held.own.get(name))
        number = next(self._numbers)
        why: str | None
        try:
            value = _to_put(request["value"])
            if isinstance(pv, PvHandle):
                why = self.inspection.put(pv, value, user, number)
            else:
                why = self.inspection.put_field(name, value, user, number)
        except (TypeError, ValueError, OverflowError) as error:
            raise RefusedError(f"PV {name}: {error}") from error
        if why is None:
            raise RefusedError(f"there is no PV {_shown(name)}")
        if why:
            raise RefusedError(f"PV {name}: {why}")
        return Put(number)

    # ---- clients ----

    def _circuits(self, request: Mapping[str, Any]) -> dict[str, Any]:
        found = self.inspection.clients()
        if found is None:
            raise RefusedError("the server does not serve, or does not answer")
        if self._held.pva is not None:
            found = [*found, *self._held.pva.clients()]
        found.sort()
        offset = _whole(request, "offset", 0, 1 << 32)
        limit = _whole(request, "limit", rows.MOST, rows.MOST)
        return {
            "total": len(found),
            "rows": [rows.circuit(row) for row in found[offset : offset + limit]],
        }

    def _channels(self, request: Mapping[str, Any]) -> dict[str, Any]:
        circuit = _whole(request, "circuit", None, 1 << 63)
        offset = _whole(request, "offset", 0, 1 << 32)
        limit = _whole(request, "limit", rows.MOST, rows.MOST)
        found = self.inspection.channels(circuit, offset, limit)
        if found is None and self._held.pva is not None:
            found = self._held.pva.channels(circuit, offset, limit)
        if found is None:
            raise RefusedError(f"there is no circuit {circuit}")
        total, channels = found
        return {"total": total, "rows": list(map(rows.channel, channels))}

    # ---- what goes wrong ----

    def _slow(self, _request: Mapping[str, Any]) -> dict[str, Any]:
        ended, running = self.calls.rows()
        return {
            "rows": [slow.row() for slow in ended],
            "running": [slow.row() for slow in running],
        }

    def _misses(self, _request: Mapping[str, Any]) -> dict[str, Any]:
        return {"rows": list(map(rows.miss, self.inspection.misses()))}


def _counters(held: Registry) -> list[tuple[str, str, str]]:
    table: list[tuple[str, str, str]] = list(counters())
    if held.pva is not None:
        table += pva_host.counters()
    return table


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 80 else text[:80] + "..."


def _text(request: Mapping[str, Any], name: str, otherwise: str | None = None) -> str:
    value = request.get(name, otherwise)
    if not isinstance(value, str):
        raise RefusedError(f"{name} is missing" if value is None else f"{name}: a text")
    try:
        value.encode("utf-8", "surrogateescape")
    except UnicodeError:
        raise RefusedError(f"{name} is no valid text") from None
    return value


def _whole(
    request: Mapping[str, Any], name: str, otherwise: int | None, most: int
) -> int:
    value = request.get(name, otherwise)
    if value is None:
        raise RefusedError(f"{name} is missing")
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise RefusedError(f"{name} is {_shown(value)}: a whole number is allowed")
    return min(value, most)


def _to_put(value: Any) -> Any:
    """A value of JSON as drivers set it.

    Raises:
        TypeError: It is none.
    """
    if isinstance(value, bool):
        return int(value)
    if isinstance(value, list):
        return [_element(item) for item in value]
    if isinstance(value, int | float | str):
        return value
    raise TypeError(f"{_shown(value)} is not a number, a text or a list of these")


def _element(item: Any) -> Any:
    if isinstance(item, list | dict) or item is None:
        raise TypeError(f"an element is {_shown(item)}")
    return int(item) if isinstance(item, bool) else item
