"""The screens with tables: all views, one PV, a client's channels, a row in full."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from typing import Any, ClassVar

from rich.cells import cell_len
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.message import Message
from textual.screen import Screen
from textual.widgets import ContentSwitcher, Footer, Input, Static

from .bars import Head, State, ViewBar
from .link import Answer, Request
from .table import Column, ListTable, Row, Table
from .views import (
    ChannelTable,
    CircuitTable,
    MissTable,
    PvTable,
    SlowTable,
    StatTable,
    alarm,
    since,
    yes,
)
from .words import count, harmless, number, rate, span, wrapped


class PutWanted(Message):
    """A person wants to put a value to a PV."""

    def __init__(self, pv: str) -> None:
        super().__init__()
        self.pv = pv


class Search(Input):
    """The line for a search."""

    async def action_submit(self) -> None:
        """At once: the next key is for the table."""
        screen = self.screen
        assert isinstance(screen, TableScreen)
        screen.close_search()


class TableScreen(Screen[None]):
    """A screen with a table, or several of which one is shown, and a search."""

    CSS = """
    #title { height: 1; background: $surface; text-style: bold; }
    Search { display: none; height: 1; border: none; padding: 0 1; }
    Search.-shown { display: block; }
    ContentSwitcher, Table { height: 1fr; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("slash", "search", "Search", priority=True),
        Binding("escape", "back", "Back", show=False),
    ]
    ESCAPE_TO_MINIMIZE = False
    not_typing = ("search", "next")  # actions

    def __init__(self, state: State) -> None:
        super().__init__()
        self.head = Head(state)
        self.searching = Search(placeholder="part of a name, or a pattern with * ?")

    @property
    def table(self) -> Table:
        """The table that is shown."""
        raise NotImplementedError

    def asking(self) -> Table | None:
        """What is to be kept fresh here."""
        return None

    def lines_below(self) -> ComposeResult:
        """What each such screen has at its bottom."""
        self.searching.can_focus = False
        yield self.searching
        yield Footer(show_command_palette=False)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """While a person types, some keys are the search's own."""
        return action not in self.not_typing or not isinstance(self.focused, Input)

    def on_mount(self) -> None:
        """Keys are for the table."""
        self.set_focus(self.table)

    def action_search(self) -> None:
        """Opens the line for a search."""
        field = self.searching
        field.add_class("-shown")
        field.can_focus = True
        field.value = self.table.match
        self.set_focus(field)  # at once: what is typed next is for it

    def on_input_changed(self, event: Input.Changed) -> None:
        """Searches while a person types."""
        if event.input is self.searching and self.searching.can_focus:
            self.table.search(event.value)

    def action_back(self) -> None:
        """Ends the search, then leaves the screen."""
        if self.table.match or self.searching.can_focus:
            self.table.search("")
            self.close_search()
        else:
            self.leave()

    def leave(self) -> None:
        """Back to the screen below."""
        if self.is_current:
            self.dismiss()

    def close_search(self) -> None:
        """Back to the table, with what was found."""
        field = self.searching
        field.can_focus = False
        field.value = self.table.match
        field.set_class(bool(self.table.match), "-shown")
        self.set_focus(self.table)


class MainScreen(TableScreen):
    """All views of a server."""

    NAMES = ("PVs", "Circuits", "Slow", "Misses", "Stats")
    BINDINGS: ClassVar[list[BindingType]] = [
        *(
            Binding(str(n + 1), f"view({n})", name, show=False)
            for n, name in enumerate(NAMES)
        ),
        Binding("tab,right", "next(1)", "Next view", show=False, priority=True),
        Binding("shift+tab,left", "next(-1)", "View before", show=False, priority=True),
        Binding("p", "put", "Put"),
    ]

    def __init__(self, state: State) -> None:
        super().__init__(state)
        self.pvs = PvTable(id="view0")
        self.stats = StatTable(id="view4")
        self.views: list[Table] = [
            self.pvs,
            CircuitTable(id="view1"),
            SlowTable(id="view2"),
            MissTable(id="view3"),
            self.stats,
        ]
        self.shown = 0
        self.bar = ViewBar(self.NAMES)
        self.switcher = ContentSwitcher(*self.views, initial="view0")

    def compose(self) -> ComposeResult:
        """Lines, the views, a search."""
        yield self.head
        yield self.bar
        yield self.switcher
        yield from self.lines_below()

    @property
    def table(self) -> Table:
        """The view that is shown."""
        return self.views[self.shown]

    def asking(self) -> Table:
        """The same."""
        return self.table

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Only PVs take puts."""
        if action == "put":
            return self.shown == 0
        return super().check_action(action, parameters)

    def action_view(self, index: int) -> None:
        """Shows one of them."""
        self.shown = index
        if self.switcher.is_attached:
            self.switcher.current = f"view{index}"
        self.bar.show(index)
        self.close_search()
        self.refresh_bindings()
        self.app.post_message(Shown())

    def action_next(self, step: int) -> None:
        """The next view, or the one before."""
        self.action_view((self.shown + step) % len(self.views))

    def action_put(self) -> None:
        """Puts a value to the PV at the cursor."""
        row = self.pvs.current()
        if row is not None:
            self.post_message(PutWanted(str(row.get("pv", ""))))

    def on_view_bar_clicked(self, event: ViewBar.Clicked) -> None:
        """With the mouse."""
        self.action_view(event.index)

    def on_table_chosen(self, event: Table.Chosen) -> None:
        """What there is to see of a row."""
        state, row = self.head.state, event.row
        if event.table is self.pvs:
            self.app.push_screen(PvScreen(state, str(row.get("pv", ""))))
        elif isinstance(event.table, CircuitTable):
            self.app.push_screen(ChannelScreen(state, row))
        else:
            self.app.push_screen(RowScreen(state, row))

    def leave(self) -> None:
        """There is nothing below."""


class Shown(Message):
    """Another view is shown, which has to be asked for."""


# ---- one thing in full ----


class Fields(ListTable):
    """Names and texts of any length, in as many lines as they need."""

    columns = (
        Column("field", "", 6, lambda row: row["field"], 14, rank=0),
        Column("text", "", 10, lambda row: row["text"], 9999, rank=0),
    )
    searched = ("field", "text")

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.sort = ""
        self._fields: list[tuple[str, str, str]] = []

    def show(self, fields: list[tuple[str, str, str]]) -> None:
        """Name, text and style of each."""
        self._fields = fields
        width = self.room()
        name = min(max((cell_len(f[0]) for f in fields), default=6), max(width // 3, 6))
        first = Column("field", "", name, self.columns[0].show, rank=0, style=_quiet)
        second = Column("text", "", 10, self.columns[1].show, 9999, style=_style)
        self.columns = (first, second)
        self.lay()
        rows = []
        for title, text, style in fields:
            for n, line in enumerate(wrapped(text, width - name - 3)):
                shown = title if n == 0 else ""
                rows.append({"field": shown, "text": line, "style": style})
        self.fill(rows)

    def on_resize(self) -> None:
        """Wraps the texts again."""
        self.show(self._fields)


class PvFields(Fields):
    """A PV in full."""

    nothing = "…"

    def __init__(self, pv: str, **options: Any) -> None:
        super().__init__(**options)
        self.pv = pv

    def requests(self) -> list[Request]:
        """What is to be asked now."""
        return [Request("get", {"pv": self.pv}, self, "row")]

    def take(self, answer: Answer) -> None:
        """Shows an answer."""
        self.show(list(pv_fields(answer.result)))


def _quiet(row: Row) -> str:
    return "quiet"


def _style(row: Row) -> str:
    return str(row["style"])


def pv_fields(row: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    """What a PV's answer has: name, text and style of each line."""
    elements = row.get("elements")
    elements = elements if isinstance(elements, list) else [elements]
    severity = str(row.get("severity", ""))
    style = {"MINOR": "minor", "MAJOR": "major", "INVALID": "invalid"}.get(severity, "")
    yield "PV", harmless(row.get("pv", "")), ""
    if row.get("desc"):
        yield "description", harmless(row["desc"]), ""
    value = elements[0] if len(elements) == 1 else row.get("value", "")
    labels = row.get("labels")
    labels = labels if isinstance(labels, list) else []
    if labels:
        value = row.get("value", value)
    unit = harmless(row.get("unit") or "")
    yield "value", f"{harmless(value)} {unit}".rstrip(), style
    state = alarm({"severity": severity, "alarm": row.get("alarm", "")})
    yield "alarm", state or "no alarm", style
    age, when = since(row.get("time")), number(row.get("time"))
    if age is not None and when is not None:
        yield "time", f"{clock(when)} ({span(age)} ago)", ""
    amount = number(row.get("count"))
    many = f", {count(amount)} elements" if amount is not None and amount != 1 else ""
    yield "type", f"{harmless(row.get('type', ''))}{many}", ""
    yield "puts", "refused: read only" if row.get("readonly") is True else "allowed", ""
    yield "access group", harmless(row.get("asg") or "DEFAULT"), ""
    yield "clients", count(row.get("clients")), ""
    yield "rate", f"{rate(row.get('rate')) or '…'} per second", ""
    for index, label in enumerate(labels):
        yield f"label {index}", harmless(label), ""
    limits = row.get("limits")
    if isinstance(limits, dict):
        for name, limit in limits.items():
            yield f"limits {harmless(name)}", limit_text(limit), ""
    if len(elements) != 1:
        for index, element in enumerate(elements):
            yield f"[{index}]", harmless(element), ""


def limit_text(limit: Any) -> str:
    """A pair of limits, of which each may be missing."""
    pair = limit if isinstance(limit, list) else [limit]
    return " to ".join("none" if one is None else harmless(one) for one in pair)


def clock(when: float) -> str:
    """A time of day here, with its date."""
    try:
        return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(when))
    except (ValueError, OverflowError, OSError):
        return f"{when:g}"


class PvScreen(TableScreen):
    """A PV in full, and puts to it."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("p", "put", "Put"),
        Binding("escape", "back", "Back"),
    ]

    def __init__(self, state: State, pv: str) -> None:
        super().__init__(state)
        self.fields = PvFields(pv)

    def compose(self) -> ComposeResult:
        """All there is."""
        yield self.head
        yield self.fields
        yield from self.lines_below()

    @property
    def table(self) -> Table:
        """The fields."""
        return self.fields

    def asking(self) -> PvFields:
        """The same."""
        return self.fields

    def action_put(self) -> None:
        """Puts a value."""
        self.post_message(PutWanted(self.fields.pv))


class ChannelScreen(TableScreen):
    """What a client has open."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("p", "put", "Put"),
        Binding("escape", "back", "Back"),
    ]

    def __init__(self, state: State, circuit: Row) -> None:
        super().__init__(state)
        self.channels = ChannelTable(circuit.get("circuit"))
        who = (str(circuit.get(name) or "?") for name in ("user", "host"))
        self._title = f" {'@'.join(who)} ({circuit.get('address') or '?'})"

    def compose(self) -> ComposeResult:
        """Who it is, and its channels."""
        yield self.head
        yield Static(Content(harmless(self._title)), id="title")
        yield self.channels
        yield from self.lines_below()

    @property
    def table(self) -> Table:
        """The channels."""
        return self.channels

    def asking(self) -> ChannelTable:
        """The same."""
        return self.channels

    def action_put(self) -> None:
        """Puts a value to the PV at the cursor."""
        row = self.channels.current()
        if row is not None:
            self.post_message(PutWanted(str(row.get("pv", ""))))

    def on_table_chosen(self, event: Table.Chosen) -> None:
        """The PV in full."""
        pv = str(event.row.get("pv", ""))
        self.app.push_screen(PvScreen(self.head.state, pv))


class RowScreen(TableScreen):
    """A row of a table in full, as it was."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "back", "Back")]
    TIMES: ClassVar[set[str]] = {"when", "first", "last"}

    def __init__(self, state: State, row: Row) -> None:
        super().__init__(state)
        self.fields = Fields()
        self._row = row

    def compose(self) -> ComposeResult:
        """All members that have something."""
        yield self.head
        yield self.fields
        yield from self.lines_below()

    @property
    def table(self) -> Table:
        """The fields."""
        return self.fields

    def on_mount(self) -> None:
        """Shows them once: they do not change."""
        fields = []
        for name, value in self._row.items():
            when = number(value)
            text = yes(value) or ("" if value is None else harmless(value))
            if name in self.TIMES and when is not None:
                text = clock(when)
            if text and name != "style":
                fields.append((harmless(name), text, ""))
        self.fields.show(fields)
