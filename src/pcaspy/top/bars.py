"""The lines above the tables: what the server is and how it does, and the views."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from rich.cells import cell_len
from textual import events
from textual.content import Content
from textual.message import Message
from textual.widget import Widget

from .views import members, since
from .words import count, fitted, harmless, number, rate, size, span

_GAP = "  "


@dataclass
class State:
    """What is known of a server. Only the view's thread changes it."""

    hello: dict[str, Any] = field(default_factory=dict)
    stats: dict[str, Any] = field(default_factory=dict)
    rates: Mapping[Hashable, float] = field(default_factory=dict)
    trouble: str = "connecting"  # nothing if all is well
    note: str = ""  # how often it is asked, if that is not what was wanted

    def who(self) -> list[str]:
        """The server, the most important first."""
        hello = self.hello
        parts = [harmless(hello.get("name") or "a server")]
        if "pid" in hello:
            parts.append(f"PID {harmless(hello['pid'])}")
        started = since(hello.get("started"))
        if started is not None:
            parts.append(f"up {span(max(started, 0.0))}")
        for title, member in (("CA", "tcp_port"), ("PVA", "pva_tcp_port")):
            if number(hello.get(member)) is not None:
                parts.append(f"{title} {harmless(hello[member])}")
        command = hello.get("command")
        if isinstance(command, list):
            parts.append(harmless(" ".join(map(str, command))))
        return parts

    def how(self) -> list[str]:
        """Its numbers."""
        counters = members(self.stats, "counters")
        pvs = counters.get("pvs", self.hello.get("pvs"))
        parts = [f"{count(pvs)} PVs"] if number(pvs) is not None else []
        clients = both(counters, "circuits", "pva_connections")
        if clients is not None:
            parts.append(f"{count(clients)} client{'' if clients == 1 else 's'}")
        for title, *names in (
            ("posts/s", "posts"),
            ("gets/s", "reads", "pva_reads"),
            ("puts/s", "writes", "pva_writes"),
            ("updates/s", "updates", "pva_updates"),
        ):
            found = both(self.rates, *names)
            if found is not None:
                parts.append(f"{rate(found)} {title}")
        channels = both(counters, "channels", "pva_channels")
        if channels is not None:
            parts.append(f"{count(channels)} channels")
        if "bytes_sent" in self.rates:
            parts.append(f"{size(self.rates['bytes_sent'])}/s")
        if "held_bytes" in counters:
            parts.append(f"{size(counters['held_bytes'])} held")
        return parts


def both(numbers: Mapping[Any, Any], *names: str) -> float | None:
    """What there is of both protocols; None if there is neither."""
    there = [number(numbers[name]) for name in names if name in numbers]
    found = [value for value in there if value is not None]
    return sum(found) if found else None


def joined(parts: Sequence[str], width: int) -> str:
    """As many parts as have room; what is left of the first if it alone is too long."""
    line = ""
    for part in parts:
        longer = line + _GAP + part if line else part
        if line and cell_len(longer) > width:
            break
        line = longer
    return line


class Head(Widget):
    """Server and numbers in two lines, or in one if the terminal is low."""

    DEFAULT_CSS = """
    Head { height: 2; background: $panel; color: $foreground; }
    """
    ALLOW_SELECT = False

    def __init__(self, state: State) -> None:
        super().__init__()
        self.state = state

    def render(self) -> Content:
        """Trouble takes the room of what is less important."""
        width, state = self.size.width, self.state
        trouble = harmless(state.trouble or state.note)
        parts = state.who()
        if self.size.height == 1 and not trouble:
            parts = [parts[0], *state.how()]
        right = fitted(trouble, min(cell_len(trouble), max(width - 12, 8)))
        room = max(width - 1 - (cell_len(right) + 1 if right else 0), 1)
        style = "bold $text-error" if state.trouble else "dim"
        first = Content.assemble(
            " ",
            (fitted(joined(parts, room), room), "bold"),
            (f" {right}" if right else "", style),
        )
        if self.size.height == 1:
            return first
        second = fitted(joined(state.how(), width - 1), width - 1)
        return Content("\n").join([first, Content(" " + second)])


class ViewBar(Widget):
    """The names of the views, with the keys that show them."""

    DEFAULT_CSS = """
    ViewBar { height: 1; background: $surface; color: $foreground; }
    """
    ALLOW_SELECT = False

    class Clicked(Message):
        """One of them."""

        def __init__(self, index: int) -> None:
            super().__init__()
            self.index = index

    def __init__(self, names: Sequence[str]) -> None:
        super().__init__()
        self.names = names
        self.shown = 0

    def show(self, index: int) -> None:
        """Marks the one that is shown."""
        self.shown = index
        self.refresh()

    def render(self) -> Content:
        """One line; the one that is shown is marked also without colours."""
        parts = []
        for index, name in enumerate(self.names):
            style = "bold reverse" if index == self.shown else ""
            parts.append((f"{index + 1} {name}", style))
            parts.append((" ", ""))
        return Content.assemble(*parts)

    def on_click(self, event: events.Click) -> None:
        """Which name it was."""
        event.stop()
        edge = 0
        for index, name in enumerate(self.names):
            edge += len(name) + 3
            if event.x < edge:
                self.post_message(self.Clicked(index))
                return
