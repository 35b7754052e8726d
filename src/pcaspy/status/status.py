"""Keeps the status PVs of a server up to date, in a thread while it serves."""

from __future__ import annotations

import errno
import logging
import threading
import time
import weakref
from typing import Any

from ..host import access
from ..host.companions import Companion
from ..native._time import EPICS_EPOCH, epicsTimeStamp
from ..served.registry import Registry, warn_of_groups
from .board import Board, Reactions
from .entries import COUNTS, LONGEST, PERIODS, RATES, SHORTEST, Group, entries
from .system import Load, most_descriptors, system
from .texts import cut, date, duration, engineer, location, of_the_start, variables

_log = logging.getLogger("pcaspy.status")

_MOST_BEATS = 2**31 - 1
_SOON = 1.0  # seconds to the first look at the load
_UNNOTICED = 0.5  # seconds that process() may be away
_OF_TIME = 2000  # one part in so many may go to looking at all PVs
_FOR_END = 5.0  # seconds; the thread never takes that long


def add(
    held: Registry,
    prefix: str,
    engineer_given: str | None,
    location_given: str | None,
    period: float,
    asg: str,
) -> None:
    """Serves status PVs from now on; see `SimpleServer.add_status`."""
    _check(prefix, engineer_given, location_given, period, asg)
    with held.companions.still():  # of two threads the other one finds the first's
        if held.engine is None:
            raise RuntimeError("the server is gone")
        status = held.companions.of_type(Status)
        if status is None:
            status = Status(held, period)
        elif status.period != period:
            raise ValueError(
                f"period is {period!r}, but the other status PVs of this server have"
                f" {status.period!r}: a server has one period"
            )
        board = status.make_board(held, prefix, asg)
        board.constant = {
            "ENGINEER": cut(engineer(engineer_given)),
            "LOCATION": cut(location(location_given)),
        }
        _take_names(held, board)
        status.take(held, board)
        held.companions.join(status)


def _take_names(held: Registry, board: Board) -> None:
    with held.naming:
        taken = [n for n in board.names if n in held.pvf or n in held.own]
        if not taken:
            held.own.update(board.names)
            return
    more = f" and {len(taken) - 1} more" if len(taken) > 1 else ""
    raise ValueError(
        f"PV {taken[0]}{more}: there is such a PV already; give the status PVs"
        " another prefix"
    )


def _check(
    prefix: Any, engineer_given: Any, location_given: Any, period: Any, asg: Any
) -> None:
    if not isinstance(prefix, str) or "\0" in prefix:
        raise TypeError(f"add_status(prefix) takes a str, not {prefix!r}")
    for name, value in {"engineer": engineer_given, "location": location_given}.items():
        if value is not None and not isinstance(value, str):
            raise TypeError(f"{name} is {value!r}: a str is allowed")
    if not isinstance(asg, str):
        raise TypeError(f"asg is {asg!r}: a str is allowed")
    whole = isinstance(period, int | float) and not isinstance(period, bool)
    if not whole or not 0.1 <= period <= 3600:
        raise ValueError(f"period is {period!r}: seconds from 0.1 to 3600 are allowed")


class Status(Companion):
    """The thread that looks how a server is, and its boards. One for a server."""

    def __init__(self, held: Registry, period: float) -> None:
        self.period = period
        self._held = weakref.ref(held)
        self._variables = list(variables())
        self._system = system()
        self._changed = threading.Condition(threading.RLock())  # guards all below
        self._thread: threading.Thread | None = None
        self._boards: list[Board] = []
        self._starts = 0
        self._shows = False  # the server serves, or will at once
        self._periods = {Group.SECOND: period}
        self._periods.update({group: first for group, (first, _) in PERIODS.items()})
        self._due: dict[Group, float] = {}
        self._looks = {
            Group.SECOND: self._second,
            Group.CLIENTS: self._clients,
            Group.FILES: self._files,
            Group.LOAD: self._load_now,
            Group.MEMORY: self._memory,
        }
        self._told: set[Group] = set()  # the log has that it failed
        self._begin_again()

    def _begin_again(self) -> None:
        """As of this moment: what rates and loads are counted from."""
        self._load = Load(self._system)
        self._beats = 0
        self._began, self._began_at = time.monotonic(), time.time()
        self._counted: tuple[float, dict[str, int]] | None = None
        self._posted: tuple[float, int] | None = None
        self._posts_due = 0.0
        self._asked: float | None = None  # when the event loop was

    # ---- boards ----

    def make_board(self, held: Registry, prefix: str, asg: str) -> Board:
        """One that is not served yet."""
        reactions = Reactions(self._read_rules, self._set_period)
        found = list(entries(self._variables, held.stats()))
        return Board(prefix, found, asg, reactions)

    def take(self, held: Registry, board: Board) -> None:
        """Serves it."""
        assert held.engine is not None
        with self._changed:
            self._boards.append(board)
            periods = {name: self._periods[g] for g, (_, name) in PERIODS.items()}
            board.driver.show({**periods, "ACCESS": 0, "READACF": 0.0})
            if self._shows:
                self._show_start([board])
                self._look(set(self._looks), [board])
        pvs = board.names
        own = {name: pv for name, pv in pvs.items() if pv.name == name}
        held.engine.add(own.values())
        for name in pvs.keys() - own.keys():
            held.engine.add_as(name, pvs[name])

    # ---- a companion ----

    def prepare(self) -> None:
        """No client sees a value of an earlier run, or none."""
        with self._changed:
            self._begin_again()
            self._starts += 1
            self._shows = True
            self._show_start(self._boards)
            self._look(set(self._looks), self._boards)

    def start(self) -> None:
        """Begins to look."""
        with self._changed:
            now = time.monotonic()
            self._due = {g: now + seconds for g, seconds in self._periods.items()}
            self._due[Group.LOAD] = now + min(_SOON, self._periods[Group.LOAD])
            self._thread = threading.Thread(
                target=self._run, name="pcaspy status", daemon=True
            )
            self._thread.start()

    def end(self) -> None:
        """Ends the thread."""
        with self._changed:
            if self._shows and self._thread is None:
                self._starts -= 1  # it could not be started
            self._shows = False
            thread, self._thread = self._thread, None
            self._changed.notify_all()
        if thread is not None and thread is not threading.current_thread():
            thread.join(_FOR_END)

    def before_fork(self) -> None:
        """Not in the midst of a look."""
        self._changed.acquire()

    def in_parent(self) -> None:
        """The next look may come."""
        self._changed.release()

    def in_child(self) -> None:
        """The thread is the parent's."""
        self._changed = threading.Condition(threading.RLock())
        self._shows = False
        self._thread = None

    # ---- the thread ----

    def _run(self) -> None:
        me = threading.current_thread()
        changed = self._changed
        with changed:
            while self._thread is me:
                now = time.monotonic()
                due = {group for group, when in self._due.items() if when <= now}
                for group in due:
                    seconds = self._periods[group]
                    missed = int((now - self._due[group]) // seconds)
                    self._due[group] += (missed + 1) * seconds
                if due:
                    self._look(due, self._boards)
                next_one = min(self._due.values())
                changed.wait(max(next_one - time.monotonic(), 0.0))

    def _look(self, groups: set[Group], boards: list[Board]) -> None:
        held = self._held()
        if held is None or held.engine is None:
            return
        values: dict[str, Any] = {}
        for group in groups:
            try:
                values.update(self._looks[group](held))
            except Exception as error:
                values.update(self._failed(group, error))
        now = epicsTimeStamp()
        for board in boards:
            board.driver.show(values, now)

    def _failed(self, group: Group, error: Exception) -> dict[str, Any]:
        """What a look that failed says all the same. Others are updated."""
        no_descriptor = isinstance(error, OSError) and error.errno == errno.EMFILE
        if no_descriptor and group is Group.FILES:
            most = most_descriptors()
            return {"FD_CNT": most, "FD_MAX": most, "FD_FREE": 0}
        if not no_descriptor and group not in self._told:
            self._told.add(group)
            _log.error("status PVs are not updated (%s)", group.value, exc_info=error)
        return {}

    def _show_start(self, boards: list[Board]) -> None:
        values = {
            **of_the_start(),
            "STARTTOD": date(self._began_at),
            "START_CNT": self._starts,
        }
        for board in boards:
            board.driver.show({**values, **board.constant})

    # ---- what is looked at ----

    def _second(self, held: Registry) -> dict[str, Any]:
        now, wall = time.monotonic(), time.time()
        self._beats = self._beats % _MOST_BEATS + 1
        return {
            "HEARTBEAT": self._beats,
            "TOD": date(wall),
            "UPTIME": duration(now - self._began),
            "GTIM_TIME": wall - EPICS_EPOCH,
            "BUSY_TIME": self._busy(held, now),
            **self._counters(held, now),
        }

    def _counters(self, held: Registry, now: float) -> dict[str, float]:
        stats = held.stats()
        then, before = self._counted or (now, stats)
        self._counted = now, stats
        seconds = max(now - then, 1e-3)
        found: dict[str, float] = {
            name: (stats[counter] - before.get(counter, 0)) / seconds
            for name, counter in RATES.items()
            if counter in stats
        }
        for name, counter in COUNTS.items():
            if counter in stats:
                found[name] = stats[counter]
        return found

    def _busy(self, held: Registry, now: float) -> float:
        """How long what clients want of Python has waited, if it does."""
        turns, dispatcher, engine = held.turns, held.dispatcher, held.engine
        if turns is not None and turns.goes_on:
            if self._asked is not None:
                return now - self._asked
            self._asked = now
            turns.ask(self._answered)
            return 0.0
        self._asked = None
        if dispatcher is None or engine is None:
            return 0.0
        away = now - max(dispatcher.last_turn, self._began)
        waits = bool(held.processing) or engine.waits
        return away if away > _UNNOTICED and waits else 0.0

    def _answered(self) -> None:
        self._asked = None

    def _clients(self, held: Registry) -> dict[str, Any]:
        stats = held.stats()
        return {
            "CA_CLNT_CNT": stats["circuits"] + stats.get("pva_connections", 0),
            "CA_CONN_CNT": stats["channels"] + stats.get("pva_channels", 0),
            "RECORD_CNT": stats["pvs"],
        }

    def _files(self, held: Registry) -> dict[str, Any]:
        used, most = self._system.descriptors(), most_descriptors()
        free = most - used if most else 1000
        return {"FD_CNT": used, "FD_MAX": most, "FD_FREE": free}

    def _load_now(self, held: Registry) -> dict[str, Any]:
        of_all, own = self._load.since()
        return {
            "SYS_CPU_LOAD": of_all,
            "IOC_CPU_LOAD": own,
            "IOC_SINGLE_CPU_LOAD": own * self._load.processors,
            "THREAD_CNT": self._system.threads(),
            **self._post_rate(held),
        }

    def _post_rate(self, held: Registry) -> dict[str, float]:
        """Looks at every PV: the longer that takes, the less often."""
        now = time.monotonic()
        if held.engine is None or now < self._posts_due:
            return {}
        posts = held.engine.posts()
        self._posts_due = now + _OF_TIME * (time.monotonic() - now)
        then, before = self._posted or (now, posts)
        self._posted = now, posts
        return {"POST_RATE": max(posts - before, 0) / max(now - then, 1e-3)}

    def _memory(self, held: Registry) -> dict[str, Any]:
        memory = self._system.memory()
        return {
            "MEM_USED": memory.used,
            "MEM_FREE": memory.free,
            "MEM_MAX": memory.total,
        }

    # ---- what clients put ----

    def _read_rules(self) -> None:
        access.load_again()
        warn_of_groups()

    def _set_period(self, group: Group, seconds: float) -> None:
        with self._changed:
            seconds = min(max(float(seconds), SHORTEST), LONGEST)
            self._periods[group] = seconds
            if group in self._due:
                self._due[group] = min(self._due[group], time.monotonic() + seconds)
            for board in self._boards:
                board.driver.show({PERIODS[group][1]: seconds})
            self._changed.notify_all()
