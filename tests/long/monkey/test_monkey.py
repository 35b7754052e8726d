"""A monkey at the terminal view: nothing it does, and nothing of the server, ends it.

MONKEY_MINUTES says how long, MONKEY_SEED which monkey; the seed is printed.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import random
import sys
import time
from pathlib import Path
from unittest.mock import AsyncMock

import pytest
from textual import events
from textual.geometry import Size

from pcaspy.top import link
from pcaspy.top.app import TopApp
from support.control_server import ControlServer, pv_row
from support.environment import server_environment
from support.process import Child

TOP = Path(__file__).parents[2] / "server" / "top"
sys.path.insert(0, str(TOP))
from top_view import View, view  # noqa: E402

SECONDS = 60 * float(os.environ.get("MONKEY_MINUTES") or 0.05)
KEYS = [
    *"12345jkgGrptTo?/<>* []0a",
    *("up", "down", "left", "right", "pageup", "pagedown", "home", "end", "enter"),
    *("escape", "tab", "shift+tab", "backspace", "slash", "question_mark", "f1"),
    *("less_than_sign", "greater_than_sign", "ctrl+b", "space", "delete", "ctrl+p"),
]
TEXTS = [
    "[red]x[/]",
    "\x1b[2J",
    "\ud800",
    "µ",
    "位置",
    "a" * 200,
    "",
    "nan",
    "a\nb",
    "x",
]
SIZES = [(80, 24), (40, 10), (200, 50), (10, 3), (1, 1), (120, 30)]


class Changing:
    """A server of the protocol whose PVs, clients and moods change."""

    def __init__(self, runtime, rng):
        self.runtime, self.rng, self.pid = runtime, rng, 4000
        self.server = self.made()

    def made(self):
        self.pid += 1
        pvs = [pv_row(f"axis:{n}", n) for n in range(self.rng.choice([0, 3, 5000]))]
        return ControlServer(self.runtime, "axis", self.pid, pvs)

    def change(self):
        """One of the things that happen to a server."""
        server, rng = self.server, self.rng
        what = rng.randrange(9)
        if what == 0:
            server.end()
            if rng.random() < 0.7:
                self.server = self.made()
        elif what == 1:
            server.going.clear() if rng.random() < 0.5 else server.going.set()
        elif what == 2:
            junk = rng.choice(
                [b"{}\n", b"[]\n", b"\xff\n", b'{"id": 1, "result": []}\n']
            )
            server.raw = lambda request: junk
        elif what == 3:
            server.raw = lambda request: None
            server.going.set()
        elif what == 4:
            server.put_error = rng.choice([None, *TEXTS])
        elif what == 5:
            text = rng.choice(TEXTS)
            server.misses = [{"name": text, "count": 1, "client": text, "last": 0}]
            server.slow = [{"pv": text, "seconds": 1.0, "line": text}]
        elif what == 6:
            text = rng.choice(TEXTS)
            row = {"circuit": 1, "user": text, "host": text, "sent": rng.random()}
            server.circuits = [row] * rng.choice([0, 1, 30])
            server.channels = {1: [{"pv": text}]}
        else:
            text = rng.choice(TEXTS)
            severity = rng.choice(["MAJOR", "NO_ALARM", "INVALID", "x"])
            server.pvs[text] = pv_row(text, text, severity=severity)
            kind = rng.choice(["enum", "double", "char", "string"])
            server.more[text] = {"type": kind, "labels": rng.choice([[], TEXTS])}

    def end(self):
        self.server.end()


class Real:
    """A real server that is killed and started again."""

    def __init__(self, runtime, rng):
        self.rng = rng
        self.child = self.made()

    def made(self):
        more = str(self.rng.choice([0, 20_000]))
        side = str(TOP / "real_side.py")
        return Child.python(side, more, "axis", env=server_environment(0))

    def change(self):
        if self.rng.random() < 0.15:
            self.child.kill()
            self.child.stop()
            self.child = self.made()

    def end(self):
        self.child.stop()


async def act(seen: View, rng: random.Random) -> None:
    """A key, a click, a wheel, another size, something pasted."""
    what, app = rng.random(), seen.app
    width, height = app.size
    x, y = rng.randrange(max(width, 1)), rng.randrange(max(height, 1))
    if what < 0.75:
        key = rng.choice(KEYS)
        app._driver.send_message(events.Key(key, key if len(key) == 1 else None))
    elif what < 0.88:
        await seen.click(x, y, times=rng.choice([1, 1, 2, 3]), settled=False)
    elif what < 0.94:
        kind = rng.choice([events.MouseScrollDown, events.MouseScrollUp])
        none = dict.fromkeys(("shift", "meta", "ctrl"), False)
        at = {"x": x, "y": y, "screen_x": x, "screen_y": y, "button": 0}
        app._driver.send_message(kind(None, **at, delta_x=0, delta_y=1, **none))
    elif what < 0.98:
        size = app._driver._size = Size(*rng.choice(SIZES))
        app.post_message(events.Resize(size, size))
    else:
        app._driver.send_message(events.Paste(rng.choice(TEXTS)))
    await asyncio.sleep(rng.random() * 0.02 if rng.random() < 0.3 else 0)


@pytest.mark.timeout(int(SECONDS * 2 + 120))
@pytest.mark.parametrize("kind", [Changing, Real])
async def test_a_monkey(tmp_path, monkeypatch, kind):
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    monkeypatch.setattr(link, "RETRY", 0.05)
    # A click on Quit ends it, as it should.
    monkeypatch.setattr(TopApp, "action_quit", AsyncMock())
    seed = int(os.environ.get("MONKEY_SEED") or random.randrange(10**6))
    print(f"{kind.__name__}: MONKEY_SEED={seed}, {SECONDS:g} s")
    rng = random.Random(seed)
    changed = 0.0
    async with contextlib.AsyncExitStack() as stack:
        server = kind(tmp_path, rng)
        stack.callback(lambda: server.end())
        seen = await stack.enter_async_context(view("axis", interval=0.05))
        until, acts = time.monotonic() + SECONDS, 0
        while time.monotonic() < until:
            await act(seen, rng)
            acts += 1
            if time.monotonic() > changed + 0.1:
                changed = time.monotonic()
                await asyncio.to_thread(server.change)
            assert seen.app.is_running, seed
            assert seen.app._exception is None, seed
        print(f"{acts} acts")
        # And it still works.
        await seen.pilot.resize_terminal(100, 30)
        await asyncio.to_thread(server.end)
        server = Changing(tmp_path, rng)
        server.server.pvs = {"axis:last": pv_row("axis:last")}
        for _ in range(9):
            await seen.press("escape")
        # Once more: a size that the monkey has left may have come behind the other.
        await seen.pilot.resize_terminal(110, 32)
        await seen.sees("PID")
