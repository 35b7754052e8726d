"""What each table shows of a server: its columns, and what it does with answers."""

from __future__ import annotations

import time
from collections.abc import Callable, Hashable, Mapping
from typing import Any

from textual.message import Message

from .link import Answer, Request
from .table import Column, ListTable, Row, Table
from .words import count, harmless, number, rate, size, span

MOST = 1000  # rows of an answer
_STYLES = {"MINOR": "minor", "MAJOR": "major", "INVALID": "invalid"}


class Wants(Message):
    """A view needs something before the next refresh."""

    def __init__(self, requests: list[Request]) -> None:
        super().__init__()
        self.requests = requests


class Rates:
    """How many per second, from the differences of numbers that only grow."""

    def __init__(self) -> None:
        self._time: float | None = None
        self._before: dict[Hashable, float] = {}
        self.rates: dict[Hashable, float] = {}

    def update(self, when: float, numbers: Mapping[Hashable, Any]) -> None:
        """New numbers, of a time in seconds."""
        now = {key: number(value) for key, value in numbers.items()}
        known = {key: value for key, value in now.items() if value is not None}
        if self._time is not None and when <= self._time:
            self.rates = {}  # the clock was set
        elif self._time is not None:
            seconds = when - self._time
            self.rates = {
                key: max(value - self._before[key], 0.0) / seconds
                for key, value in known.items()
                if key in self._before
            }
        self._time, self._before = when, known

    def clear(self) -> None:
        """What follows is of another server."""
        self.__init__()  # type: ignore[misc]


def rows_of(result: Mapping[str, Any], member: str = "rows") -> list[Row]:
    """The rows of a result, and nothing that is none."""
    rows = result.get(member)
    if not isinstance(rows, list):
        return []
    return [row for row in rows if isinstance(row, dict)]


def part_of(result: Mapping[str, Any]) -> str:
    """How many rows an answer has, if there are more."""
    total, rows = number(result.get("total")), len(rows_of(result))
    return f" {count(rows)} of {count(total)}" if (total or 0) > rows else ""


def text(member: str) -> Callable[[Row], str]:
    """Shows a member as it is."""

    def show(row: Row) -> str:
        value = row[member]
        return "" if value is None else harmless(value)

    return show


def of(member: str, form: Callable[[Any], str]) -> Callable[[Row], str]:
    """Shows a member in a form."""
    return lambda row: form(row[member])


def ago(member: str) -> Callable[[Row], str]:
    """Shows how long ago a time was."""
    return lambda row: span(since(row[member]))


def since(when: Any) -> float | None:
    """Seconds from a time until now."""
    found = number(when)
    return None if found is None else time.time() - found


def by(member: str) -> Callable[[Row], Any]:
    """Sorts by a member."""
    return lambda row: row[member]


def words(key: str, title: str, least: int, most: int = 0, **more: Any) -> Column:
    """A column with a member as it is."""
    return Column(key, title, least, text(key), most, order=by(key), **more)


def figure(
    key: str, title: str, least: int, form: Callable[[Any], str] = count, rank: int = 1
) -> Column:
    """A column with numbers in a form; the largest ones come first."""
    show, order = of(key, form), by(key)
    return Column(
        key, title, least, show, right=True, rank=rank, order=order, falling=True
    )


def age(key: str, title: str, rank: int) -> Column:
    """A column that says how long ago a time was."""
    return Column(key, title, 7, ago(key), right=True, order=by(key), rank=rank)


def alarm(row: Row) -> str:
    """Severity and state in one; nothing if there is no alarm."""
    severity, state = harmless(row["severity"]), harmless(row["alarm"])
    return "" if severity == "NO_ALARM" else f"{severity} {state}"


def severity_style(row: Row) -> str:
    """The style of an alarm."""
    return _STYLES.get(row["severity"], "")


class PvTable(Table):
    """All PVs of a server. It has those that are seen, and some around them."""

    columns = (
        Column("name", "PV", 16, text("pv"), most=60, name=True, rank=0),
        Column("value", "Value", 12, text("value"), 40, rank=0, style=severity_style),
        Column(
            *("alarm", "Alarm", 12, alarm, 16),
            rank=2,
            style=severity_style,
            falling=True,
        ),
        Column("age", "Age", 7, ago("time"), right=True, rank=3),
        figure("clients", "Clients", 8, rank=5),
        figure("rate", "Rate/s", 7, rate, rank=4),
    )
    nothing = "no PVs"

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self._total = 0
        self._rows: dict[int, Row] = {}

    def total(self) -> int:
        """How many PVs fit what is searched for."""
        return self._total

    def row(self, index: int) -> Row | None:
        """One of them, if it is here."""
        return self._rows.get(index)

    def emptied(self) -> None:
        """No rows."""
        self._rows, self._total = {}, 0
        self.show_again()

    def changed_order(self) -> None:
        """Asks for the rows in this order."""
        self.post_message(Wants(self.requests()))

    def changed_window(self) -> None:
        """Asks for rows that are seen and not here."""
        if any(index not in self._rows for index in self.seen()):
            self.post_message(Wants(self.requests()))

    def requests(self) -> list[Request]:
        """What is to be asked now."""
        page = max(self.size.height, 1)
        asked = {
            **self._query(),
            "offset": max(0, self.scroll_offset.y - page),
            "limit": min(3 * page, MOST),
        }
        return [Request("pvs", asked, self, "rows")]

    def take(self, answer: Answer) -> None:
        """Shows an answer, unless it is to what was wanted before."""
        asked = answer.request.arguments
        if any(asked[key] != value for key, value in self._query().items()):
            return
        offset = asked["offset"]
        found = rows_of(answer.result)
        self._rows = {offset + n: row for n, row in enumerate(found)}
        self.trouble = ""
        self._total = int(number(answer.result.get("matching")) or 0)
        self.nothing = "no PV has this in its name" if self.match else "no PVs"
        self.show_again()
        if found:  # else it has fewer than it says
            self.changed_window()

    def clear(self) -> None:
        """Another server."""
        self._rows = {}

    def _query(self) -> dict[str, Any]:
        return {
            "match": self.match,
            "sort": self.sort,
            "descending": self.descending,
        }


class CircuitTable(ListTable):
    """The clients, and what they hold."""

    columns = (
        words("user", "User", 8, 16, rank=0),
        words("host", "Host", 10, 24, rank=0),
        words("protocol", "", 3, rank=6),
        figure("channels", "Channels", 9, rank=1),
        figure("subscriptions", "Monitors", 9, rank=2),
        figure("held", "Held", 8, size, rank=3),
        figure("waiting", "Waits", 6, rank=4),
        figure("out", "Out/s", 8, size, rank=5),
        figure("in", "In/s", 8, size, rank=7),
        age("since", "Since", rank=8),
        words("address", "Address", 16, 46, rank=9),
    )
    searched = ("user", "host", "address", "protocol")
    nothing = "no clients"

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self._rates = Rates()

    def requests(self) -> list[Request]:
        """What is to be asked now."""
        return [Request("circuits", {"limit": MOST}, self, "rows")]

    def take(self, answer: Answer) -> None:
        """Shows an answer, with the rates since the one before."""
        rows = rows_of(answer.result)
        numbers: dict[Hashable, Any] = {}
        for row in rows:
            numbers[str(row.get("circuit")), "out"] = row.get("sent")
            numbers[str(row.get("circuit")), "in"] = row.get("received")
        self._rates.update(time.monotonic(), numbers)
        for row in rows:
            for way in ("out", "in"):
                row[way] = self._rates.rates.get((str(row.get("circuit")), way))
        self.part = part_of(answer.result)
        self.fill(rows)

    def clear(self) -> None:
        """Another server."""
        self._rates.clear()


class ChannelTable(ListTable):
    """The channels of one circuit."""

    columns = (
        words("pv", "PV", 16, 60, name=True, rank=0),
        figure("subscriptions", "Monitors", 9),
        Column(
            *("readable", "Read", 5, lambda row: yes(row["readable"])),
            order=by("readable"),
            rank=3,
        ),
        Column(
            *("writable", "Write", 6, lambda row: yes(row["writable"])),
            order=by("writable"),
            rank=2,
        ),
    )
    searched = ("pv",)
    nothing = "no channels"

    def __init__(self, circuit: Any, **options: Any) -> None:
        super().__init__(**options)
        self._circuit = circuit

    def requests(self) -> list[Request]:
        """What is to be asked now."""
        asked = {"circuit": self._circuit, "limit": MOST}
        return [Request("channels", asked, self, "rows")]

    def take(self, answer: Answer) -> None:
        """Shows an answer."""
        self.part = part_of(answer.result)
        self.fill(rows_of(answer.result))

    def clear(self) -> None:
        """Another server, of which these are no channels."""
        self.refused("the client has disconnected")


class SlowTable(ListTable):
    """Calls of the driver that take long now, and that have taken long."""

    columns = (
        Column(
            *("seconds", "Seconds", 9, lambda row: f"{row['seconds']:,.1f}"),
            right=True,
            rank=0,
            order=lambda row: row["seconds"] + (1e9 if row.get("now") else 0.0),
            falling=True,
        ),
        words("call", "Call", 5, rank=2),
        words("pv", "PV", 12, 40, name=True, rank=0),
        Column(
            *("when", "When", 7, lambda row: now_or_ago(row)),
            right=True,
            order=by("when"),
            rank=1,
            falling=True,
        ),
        words("where", "Where", 16, 48, name=True, rank=3),
        words("line", "Line", 16, 60, rank=4),
        words("client", "Client", 14, 40, rank=5),
    )
    searched = ("pv", "call", "where", "line", "client")
    nothing = "no call of the driver has taken more than 0.1 s"

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.descending = True

    def requests(self) -> list[Request]:
        """What is to be asked now."""
        return [Request("slow", {}, self, "rows")]

    def take(self, answer: Answer) -> None:
        """Shows an answer, what runs now first."""
        running = [{**row, "now": True} for row in rows_of(answer.result, "running")]
        self.fill([*running, *rows_of(answer.result)])


class MissTable(ListTable):
    """Names that clients search for and the server does not have."""

    columns = (
        words("name", "Name", 16, 60, name=True, rank=0),
        figure("count", "Searches", 9),
        figure("rate", "Rate/s", 7, rate, rank=2),
        figure("clients", "Clients", 8, rank=4),
        words("client", "Last client", 16, 46, rank=2),
        age("last", "Last", rank=3),
        age("first", "First", rank=5),
    )
    searched = ("name", "client")
    nothing = "clients have searched for no name that this server lacks"

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.sort, self.descending = "count", True
        self._rates = Rates()

    def requests(self) -> list[Request]:
        """What is to be asked now."""
        return [Request("misses", {}, self, "rows")]

    def take(self, answer: Answer) -> None:
        """Shows an answer, with the rates since the one before."""
        rows = rows_of(answer.result)
        self._rates.update(
            time.monotonic(), {str(row.get("name")): row.get("count") for row in rows}
        )
        for row in rows:
            row["rate"] = self._rates.rates.get(str(row.get("name")))
        self.fill(rows)

    def clear(self) -> None:
        """Another server."""
        self._rates.clear()


class StatTable(ListTable):
    """The counters of a server, which the app asks for in any case."""

    columns = (
        words("counter", "Counter", 20, 28, rank=0),
        Column(
            *("value", "Value", 14, of("value", count)),
            right=True,
            rank=0,
            order=by("value"),
            style=lambda row: row["style"],
            falling=True,
        ),
        figure("rate", "Per second", 11, rate),
        Column("meaning", "Meaning", 24, text("meaning"), 80, rank=2),
    )
    searched = ("counter", "meaning")

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.sort = ""  # in the order of the server

    def show(self, result: Mapping[str, Any], rates: Mapping[Hashable, float]) -> None:
        """An answer to `stats`, and how fast its counters grow."""
        counters, kinds = members(result, "counters"), members(result, "kinds")
        meanings = members(result, "meanings")
        rows = []
        for name, value in counters.items():
            kind = kinds.get(name)
            trouble = kind == "trouble" and bool(number(value))
            row = {"counter": name, "value": value, "meaning": meanings.get(name)}
            row["rate"] = rates.get(name) if kind != "now" else None
            rows.append({**row, "style": "minor" if trouble else ""})
        self.fill(rows)


def members(result: Mapping[str, Any], name: str) -> dict[str, Any]:
    """A member that is an object; an empty one if it is not."""
    found = result.get(name)
    return found if isinstance(found, dict) else {}


def yes(value: Any) -> str:
    """A yes or a no."""
    return "yes" if value is True else "no" if value is False else ""


def now_or_ago(row: Row) -> str:
    """When a call was, unless it still runs."""
    return "now" if row.get("now") else span(since(row["when"]))
