"""The view without a terminal: what a person would do and see."""

from __future__ import annotations

import asyncio
import contextlib
import time

from textual import events
from textual.widgets import Input

from pcaspy.control.client import find
from pcaspy.top.app import TopApp

CHARACTERS = {"slash": "/", "space": " ", "asterisk": "*", "question_mark": "?"}
HOPS = 6
SECONDS = 50.0  # only so that nothing hangs


class View:
    """The view, and what a person would do and see."""

    def __init__(self, app, pilot):
        self.app, self.pilot = app, pilot

    def lines(self):
        """What is on the screen."""
        return [strip.text for strip in self.app.screen._compositor.render_strips()]

    def text(self):
        return "\n".join(self.lines())

    async def until(self, condition, what=""):
        """Waits until something is so; returns what it is."""
        deadline = time.monotonic() + SECONDS
        while not (found := condition()):
            if time.monotonic() > deadline:
                raise AssertionError(f"not in time: {what}\n{self.text()}")
            await asyncio.sleep(0.03)
        return found

    async def sees(self, *texts):
        """Waits until all of these are on the screen; returns the screen."""
        await self.until(lambda: all(t in self.text() for t in texts), texts)
        return self.text()

    async def lacks(self, text):
        """Waits until it is not."""
        await self.until(lambda: text not in self.text(), f"without {text}")

    async def press(self, *keys):
        """Keys one after the other, without the pilot's waiting for an idle process."""
        for key in keys:
            character = key if len(key) == 1 else CHARACTERS.get(key)
            self.app._driver.send_message(events.Key(key, character))
            await self.settle()

    async def settle(self):
        """Lets a key pass from the focus to the app, one queue after the other."""
        for _ in range(HOPS):
            await self.pilot._wait_for_screen()

    async def click(self, x, y, times=1, settled=True):
        """With the first button."""
        for _ in range(times):
            for kind in (events.MouseMove, events.MouseDown, events.MouseUp):
                button = 0 if kind is events.MouseMove else 1
                at = {"x": x, "y": y, "screen_x": x, "screen_y": y}
                none = {"delta_x": 0, "delta_y": 0}
                none |= dict.fromkeys(("shift", "meta", "ctrl"), False)
                event = kind(None, **at, **none, button=button)
                self.app._driver.send_message(event)
                if settled:
                    await self.settle()

    async def search(self, text):
        await self.press("slash")
        await self.until(lambda: isinstance(self.app.focused, Input), "a field")
        await self.press(*text)

    def row(self, text):
        """The line of the screen with a text."""
        (line,) = [line for line in self.lines() if text in line]
        return line


@contextlib.asynccontextmanager
async def view(what=None, size=(100, 30), interval=0.1, **options):
    """The view of a server."""
    server = find(what) if what != "choose" else None
    app = TopApp(server, interval=interval, **options)
    async with app.run_test(size=size, notifications=True) as pilot:
        yield View(app, pilot)
