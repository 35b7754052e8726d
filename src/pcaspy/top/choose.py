"""Which server is looked at, and the help."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.message import Message
from textual.screen import ModalScreen, Screen
from textual.widgets import Footer, Static

from ..control.client import Found, found
from .link import hello_of
from .table import Column, ListTable, Row, Table
from .views import ago, by, of, text
from .words import count, harmless

REFRESH = 2.0  # seconds


class ServerTable(ListTable):
    """The servers of this user."""

    columns = (
        Column(
            "name", "Name", 12, text("name"), 30, name=True, order=by("name"), rank=0
        ),
        Column("pid", "PID", 8, text("pid"), right=True, order=by("pid"), rank=0),
        Column("pvs", "PVs", 9, of("pvs", count), right=True, order=by("pvs")),
        Column("up", "Up", 7, ago("started"), right=True, order=by("started"), rank=2),
        Column("tcp", "CA", 6, text("tcp_port"), right=True, rank=4),
        Column("pva", "PVA", 6, text("pva_tcp_port"), right=True, rank=5),
        Column("command", "Command", 20, text("command"), 200, rank=3),
    )
    searched = ("name", "pid", "command")
    nothing = "no server of this user runs here with control on"


class ChooseScreen(Screen[None]):
    """The servers, to choose one."""

    CSS = """
    #title { height: 1; text-style: bold; }
    ServerTable { height: 1fr; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "back", "Back")]

    class Chosen(Message):
        """A server is to be looked at."""

        def __init__(self, server: Found) -> None:
            super().__init__()
            self.server = server

    def __init__(self, can_leave: bool) -> None:
        super().__init__()
        self._servers = ServerTable()
        self._can_leave = can_leave
        self._looking = False

    def compose(self) -> ComposeResult:
        """One table."""
        yield Static(Content(" Servers on this host; Enter opens one"), id="title")
        yield self._servers
        yield Footer(show_command_palette=False)

    def on_mount(self) -> None:
        """Looks again and again."""
        self.set_focus(self._servers)
        self.set_interval(REFRESH, self._look)
        self._look()

    def _look(self) -> None:
        """In a thread: a server that is stalled takes its time."""
        if not self._looking:
            self._looking = True
            self.run_worker(self._found, thread=True, exit_on_error=False)

    def _found(self) -> None:
        try:
            rows = [row_of(server) for server in found()]
        except OSError as error:
            self._servers.nothing, rows = harmless(error), []
        finally:
            self._looking = False
        self.app.call_from_thread(self._servers.fill, rows)

    def on_table_chosen(self, event: Table.Chosen) -> None:
        """This one."""
        self.post_message(self.Chosen(event.row["found"]))

    def action_back(self) -> None:
        """To the server of before, if there is one."""
        if self._can_leave and self.is_current:
            self.dismiss()


def row_of(server: Found) -> Row:
    """What a server says of itself, or that it says nothing."""
    hello = hello_of(server) if server.name else {}
    command = hello.get("command")
    return {
        **dict.fromkeys(("pvs", "started", "tcp_port", "pva_tcp_port")),
        **hello,
        "found": server,
        "name": server.name or "(does not answer)",
        "pid": server.pid,
        "command": " ".join(map(str, command)) if isinstance(command, list) else "",
    }


HELP = """\
1 to 5, Tab      PVs, circuits, slow calls, misses, counters
arrows, j k      move; Page Up, Page Down, Home, End, g, G
Enter            a PV in full, the channels of a circuit, a row in full
Esc              back; ends a search
/                search: part of a text, or a pattern with * and ?
< >              sort by the column before or the next; or click the header
r                the other way round
p                put a value to the PV at the cursor
o                other servers
t                the next theme: dark, light, the terminal's colours
?                this help
q, Ctrl-C        end

The mouse scrolls and selects, a second click opens. The server is asked
only for the lines that are seen. What it does not answer is marked at the
top. When it ends, the view waits for a server of its name.
"""


class HelpScreen(ModalScreen[None]):
    """The keys."""

    CSS = """
    HelpScreen { align: center middle; }
    HelpScreen VerticalScroll {
        width: 76; max-width: 100%; height: auto; max-height: 100%;
        background: $surface; border: round $primary; padding: 0 1;
    }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q,question_mark,f1,enter", "close", "Close")
    ]

    def compose(self) -> ComposeResult:
        """A page that scrolls."""
        with VerticalScroll():
            yield Static(Content(HELP))

    def action_close(self) -> None:
        """Back."""
        if self.is_current:
            self.dismiss()
