"""The view of a server in a terminal: puts link and screens together."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections import deque
from contextlib import suppress
from typing import ClassVar

from textual import events
from textual.app import App, ScreenStackError
from textual.binding import Binding, BindingType
from textual.message import Message
from textual.screen import Screen

from ..control.client import Found
from .bars import State
from .choose import ChooseScreen, HelpScreen
from .link import Answer, Connected, Link, Lost, Report, Request
from .put import PutScreen
from .screens import MainScreen, PutWanted, Shown, TableScreen
from .table import Table
from .views import Rates, Wants, members
from .words import harmless, number, span

THEMES = {"dark": "textual-dark", "light": "textual-light", "terminal": "ansi-dark"}
_OVERDUE = 1.0  # seconds without an answer that are said
_SHARE = 100.0  # of its time a server gives us one part in so many
_LONGEST = 5.0  # seconds between two refreshes for its sake


class Reported(Message):
    """Something of a link, in the view's thread."""

    def __init__(self, link: Link, report: Report) -> None:
        super().__init__()
        self.link = link
        self.report = report


class TopApp(App[None]):
    """The view.

    Args:
        server: Which one, None to choose.
        interval: Seconds between two refreshes.
        theme: dark, light or terminal: the terminal's own colours.
    """

    TITLE = "pcaspy top"
    ENABLE_COMMAND_PALETTE = False
    # Selecting text in a notification that is just removed ends Textual 8.2.
    ALLOW_SELECT = False
    CSS = ".-low Head { height: 1; }"
    # Classes of screens by their lines.
    VERTICAL_BREAKPOINTS = [(0, "-low"), (16, "-high")]  # noqa: RUF012
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("question_mark,f1", "help", "Help"),
        Binding("o", "servers", "Servers"),
        Binding("t", "theme", "Theme", show=False),
        Binding("q", "quit", "Quit"),
        Binding("ctrl+c", "quit", "Quit", show=False, priority=True),
    ]

    def __init__(
        self, server: Found | None, interval: float = 1.0, theme: str = "dark"
    ) -> None:
        super().__init__(ansi_color=True if theme == "terminal" else None)
        self.theme = THEMES[theme]
        self.state = State()
        self.interval = interval
        self._server = server
        self._link: Link | None = None
        self._lost = ""
        self._rates = Rates()
        self._next_rows = 0.0  # not before this time, for the server's sake
        self._took: deque[float] = deque(maxlen=5)  # the last answers with rows

    def on_mount(self) -> None:
        """Opens the server, or a list of servers."""
        with suppress(NotImplementedError, RuntimeError, ValueError):  # not its thread
            for ending in (signal.SIGTERM, signal.SIGHUP):
                asyncio.get_running_loop().add_signal_handler(ending, self.exit)
        self.set_interval(self.interval, self.refresh_all)
        self.set_interval(0.5, self._show_state)
        if self._server is None:
            self.push_screen(ChooseScreen(can_leave=False))
        else:
            self.attach(self._server)

    async def on_event(self, event: events.Event) -> None:
        """Drops keys that come while the view ends."""
        try:
            await super().on_event(event)
        except ScreenStackError:
            if self.screen_stack:
                raise

    def on_unmount(self) -> None:
        """Nothing is delivered any more."""
        if self._link is not None:
            self._link.close()

    def attach(self, server: Found) -> None:
        """Looks at a server."""
        if self._link is not None:
            self._link.close()
        self.state.__init__()  # type: ignore[misc]
        self._rates.clear()
        self._lost = ""
        self._link = Link(server, self._deliver)
        self._link.start()
        while len(self.screen_stack) > 1:
            self.pop_screen()
        self.push_screen(MainScreen(self.state))
        self.refresh_all()

    # ---- what is asked ----

    def refresh_all(self) -> None:
        """Asks for what is shown and for the counters.

        In this order: nothing is drawn while the first answer is awaited, so that it
        shows how long the server takes.
        """
        if self._link is not None:
            if time.monotonic() >= self._next_rows:
                self._ask_what_is_shown()
            self._link.ask(Request("stats", {}, self, "stats"))

    def _ask_what_is_shown(self) -> None:
        for screen in reversed(self.screen_stack):
            if isinstance(screen, TableScreen):
                asking = screen.asking()
                if self._link is not None and asking is not None:
                    for request in asking.requests():
                        self._link.ask(request)
                return

    def on_wants(self, event: Wants) -> None:
        """A person has scrolled or sorted: at once."""
        self._took.clear()
        for request in event.requests:
            if self._link is not None:
                self._link.ask(request)

    def on_shown(self, event: Shown) -> None:
        """Another view."""
        self._took.clear()
        self._ask_what_is_shown()

    # ---- what is answered ----

    def _deliver(self, report: Report) -> None:
        """In the link's threads."""
        link = self._link
        if link is not None:
            with suppress(RuntimeError):  # the view has ended
                self.post_message(Reported(link, report))

    async def on_reported(self, event: Reported) -> None:
        """Hands an answer to the view that has asked."""
        report = event.report
        if event.link is not self._link:
            return  # of a server of before
        if isinstance(report, Connected):
            self._connected(report)
        elif isinstance(report, Lost):
            self._lost = report.why
        else:
            await self._answered(report)
        self._show_state()

    def _connected(self, report: Connected) -> None:
        self.state.hello, self.state.stats, self.state.rates = report.hello, {}, {}
        self._rates.clear()
        self._next_rows = 0.0
        if self._lost:
            self.notify(f"PID {harmless(report.hello.get('pid'))} serves", markup=False)
        self._lost = ""
        for screen in self.screen_stack:
            if isinstance(screen, MainScreen):
                for view in screen.views:
                    view.clear()
            elif isinstance(screen, TableScreen):
                asking = screen.asking()
                if asking is not None:
                    asking.clear()
        self.refresh_all()

    async def _answered(self, answer: Answer) -> None:
        owner = answer.request.owner
        if owner is self:
            if answer.error is None:
                self._counted(answer)
        elif isinstance(owner, PutScreen):
            if owner.is_current:
                await owner.take(answer)
            elif answer.request.do == "put":
                self._put_later(owner.pv, answer.error)
        elif isinstance(owner, Table) and owner.is_attached:
            if answer.error is not None:
                owner.refused(answer.error)
            else:
                owner.take(answer)
                self._spare(answer)

    def _spare(self, answer: Answer) -> None:
        """A view that takes the server long is asked for less often."""
        self._took.append(answer.seconds)
        pause = min(min(self._took) * _SHARE, _LONGEST)
        self._next_rows = time.monotonic() + pause - self.interval / 2
        self.state.note = f"every {span(pause)}" if pause > 2 * self.interval else ""

    def _put_later(self, pv: str, error: str | None) -> None:
        """What became of a put whose dialog is closed."""
        said = f"put to {harmless(pv)}" + (f": {harmless(error)}" if error else "")
        self.notify(said, severity="error" if error else "information", markup=False)

    def _counted(self, answer: Answer) -> None:
        state, result = self.state, answer.result
        state.stats = result
        when = number(result.get("time"))
        if when is not None:
            self._rates.update(when, dict(members(result, "counters").items()))
            state.rates = self._rates.rates
        for screen in self.screen_stack:
            if isinstance(screen, MainScreen):
                screen.stats.show(result, state.rates)

    def _show_state(self) -> None:
        if self._link is None:
            return
        waiting = self._link.waiting()
        if self._lost:
            name = harmless(self.state.hello.get("name") or "it")
            self.state.trouble = f"{harmless(self._lost)}; waits for {name}"
        elif waiting is not None and waiting >= _OVERDUE:
            self.state.trouble = f"no answer for {waiting:.0f} s"
        else:
            self.state.trouble = "" if self.state.hello else "connecting"
        for screen in self.screen_stack:
            if isinstance(screen, TableScreen):
                screen.head.refresh()

    # ---- keys ----

    def on_put_wanted(self, event: PutWanted) -> None:
        """Opens the dialog."""
        dialog = PutScreen(event.pv)
        self.push_screen(dialog)
        for request in dialog.requests():
            if self._link is not None:
                self._link.ask(request)

    def on_put_screen_put(self, event: PutScreen.Put) -> None:
        """Puts what was entered."""
        if self._link is not None:
            self._link.put(event.request)

    def on_choose_screen_chosen(self, event: ChooseScreen.Chosen) -> None:
        """Another server."""
        self.attach(event.server)

    def action_help(self) -> None:
        """Shows the keys."""
        self._open(HelpScreen())

    def action_servers(self) -> None:
        """Shows the servers."""
        self._open(ChooseScreen(can_leave=self._link is not None))

    def action_theme(self) -> None:
        """The next of the themes, where there are colours."""
        if self.no_color:
            return
        self.ansi_color = None
        themes = list(THEMES.values())
        self.theme = themes[(themes.index(self.theme) + 1) % len(themes)]

    def _open(self, screen: Screen[None]) -> None:
        """A screen, unless one of its kind is open already or a dialog is."""
        if not isinstance(self.screen, type(screen) | PutScreen | HelpScreen):
            self.push_screen(screen)


def default_theme() -> str:
    """What fits the terminal, as far as it says what it is."""
    if os.environ.get("NO_COLOR") or os.environ.get("TERM") in ("dumb", "vt100"):
        return "terminal"
    background = os.environ.get("COLORFGBG", "").rpartition(";")[2]
    return "light" if background in ("7", "15") else "dark"
