"""Servers that end, come back, stall, and send what they should not."""

from __future__ import annotations

import json

import pytest
from top_view import view

from pcaspy.top import link
from support.control_server import pv_row


@pytest.fixture(autouse=True)
def _quick(monkeypatch):
    monkeypatch.setattr(link, "RETRY", 0.05)


async def test_a_server_that_ends_and_comes_back(serve):
    """By its name: it has another process then."""
    server = serve("axis", 4321, pvs=[pv_row("axis:position")])
    serve("other", 4000, pvs=[pv_row("other:position")])
    async with view("axis") as seen:
        await seen.sees("axis:position", "PID 4321")
        server.end()
        await seen.sees("waits for axis", "axis:position")  # what was last seen
        await seen.press("down", "5", "1", "slash", "escape")
        server = serve("axis", 4999, pvs=[pv_row("axis:speed")])
        await seen.sees("axis:speed", "PID 4999")
        await seen.lacks("waits for")
        assert "axis:position" not in seen.text()


async def test_the_youngest_of_several_that_have_the_name(serve):
    server = serve("axis", 4321)
    async with view() as seen:
        await seen.sees("PID 4321")
        for pid, started in ((4001, 500.0), (4002, 900.0), (4003, 700.0)):
            made = serve("axis", pid)
            made.hello = {"started": started}
        server.end()
        await seen.sees("PID 4002")


async def test_a_server_with_another_name_is_not_taken(serve):
    server = serve("axis", 4321)
    async with view() as seen:
        await seen.sees("PID 4321")
        server.end()
        await seen.sees("waits for axis")
        other = serve("axis2", 4322)
        await seen.until(lambda: len(other.asked_for("hello")) > 3)
        assert {request["do"] for request in other.asked} == {"hello"}


async def test_views_of_a_server_that_ends_stay_open(serve):
    """A PV in full, and the channels of a client that is gone."""
    server = serve("axis", 4321, pvs=[pv_row("axis:position", 2.5)])
    server.circuits = [{"circuit": 3, "user": "zoe", "host": "desk"}]
    server.channels[3] = [{"pv": "axis:position", "subscriptions": 1}]
    async with view() as seen:
        await seen.sees("axis:position")
        await seen.press("2")
        await seen.sees("zoe")
        await seen.press("enter")
        await seen.sees("zoe@desk", "axis:position")
        await seen.press("enter")
        await seen.sees("2.5 mm")
        server.end()
        await seen.sees("waits for axis")
        server = serve("axis", 4322, pvs=[pv_row("axis:position", 3.5)])
        await seen.sees("3.5 mm")
        await seen.press("escape")
        await seen.sees("zoe@desk", "3")  # of the server before
        await seen.until(lambda: "axis:position" not in seen.text())
        await seen.press("escape", "1")
        await seen.sees("3.5")


async def test_a_server_that_stalls(serve):
    """The view says for how long, and goes on with what it can."""
    server = serve(pvs=[pv_row(f"axis:p{n}") for n in range(9)])
    async with view() as seen:
        await seen.sees("axis:p8")
        server.going.clear()
        await seen.sees("no answer for", "axis:p8")
        await seen.press("down", "down")
        await seen.sees(">axis:p2", "no answer")
        await seen.press("question_mark")
        await seen.sees("Page Down")
        await seen.press("escape")
        server.going.set()
        await seen.lacks("no answer")


async def test_a_server_that_never_says_hello(serve):
    server = serve(pvs=[pv_row("axis:position")])
    server.raw = lambda request: b"" if len(server.asked) > 1 else None
    async with view() as seen:  # found() has its name
        await seen.sees("no answer for")
        server.raw = lambda request: None
        await seen.press("q")
        await seen.until(lambda: not seen.app.is_running)


GARBAGE = {
    "no JSON": b"\x00\xff\x1b[2J\n",
    "no object": b"[1]\n",
    "an end in the middle": b'{"id"',
    "empty lines": b"\n\n",
}


@pytest.mark.parametrize("case", GARBAGE)
async def test_what_is_not_the_protocol(serve, case):
    server = serve(pvs=[pv_row("axis:position")])
    async with view() as seen:
        await seen.sees("axis:position")
        hellos = len(server.asked_for("hello"))
        sent = GARBAGE[case]
        server.raw = lambda request: sent
        if case == "an end in the middle":
            await seen.sees("no answer for")
            server.end()
            serve(pvs=[pv_row("axis:position")])
        else:
            await seen.until(lambda: len(server.asked_for("hello")) > hellos + 1)
            await seen.sees("waits for axis")
            server.raw = lambda request: None
        await seen.lacks("waits for")
        await seen.lacks("no answer")
        await seen.sees("axis:position")


JUNK = [
    *(None, True, -1, 1e308, "x", "[red]", [], {}, [[]], [{}], {"a": 1}),
    *([None, 1, "x"], "nan", 10**400, [{"pv": 1, "time": "x", "severity": []}]),
    [{"circuit": [], "sent": {}}, {"name": None, "count": "x"}],
]


async def test_answers_with_members_of_the_wrong_type(serve):
    """Nothing of it ends the view."""
    server = serve(pvs=[pv_row("axis:position", 2.5)])

    def junk(request):
        at = len(server.asked)
        if request["do"] == "pvs" and at % 2:
            return None  # so that there is something to open
        right = server.answer(request).get("result", {})
        wrong = {key: JUNK[(at + n) % len(JUNK)] for n, key in enumerate(right)}
        return json.dumps({"id": request["id"], "result": wrong}).encode() + b"\n"

    async with view() as seen:
        await seen.sees("axis:position")
        server.raw = junk
        for connection in list(server.connections):
            connection.shutdown(2)  # the next one begins with a wrong hello
        for key in ("1", "2", "3", "4", "5", "1"):
            await seen.press(key, "enter")
            before = len(server.asked_for("stats"))
            await seen.until(lambda n=before: len(server.asked_for("stats")) > n + 3)
            await seen.press("p", "enter", "escape", "escape", "escape")
        server.raw = lambda request: None
        await seen.sees("axis:position")
        assert len(server.asked_for("hello")) > 2


async def test_a_refusal_is_shown(serve):
    server = serve(pvs=[pv_row("axis:position")])
    async with view() as seen:
        await seen.sees("axis:position")
        server.raw = lambda request: (
            json.dumps({"id": request["id"], "error": "[b]not now\x1b"}).encode()
            + b"\n"
        )
        await seen.sees("[b]not now␛")
        server.raw = lambda request: None
        await seen.sees("axis:position")
        await seen.lacks("not now")


async def test_an_end_in_any_state_of_the_view(serve):
    """It ends while the server is stalled, lost, or answers."""
    server = serve(pvs=[pv_row("axis:position")])
    for state in ("answers", "stalled", "lost"):
        async with view() as seen:
            await seen.sees("axis:position")
            if state == "stalled":
                server.going.clear()
                await seen.sees("no answer")
            if state == "lost":
                server.end()
                await seen.sees("waits for")
            await seen.press("q", "j", "k", "enter")
            await seen.until(lambda: not seen.app.is_running)
            assert seen.app.return_code == 0
        server.going.set()
