"""The dialog that puts a value."""

from __future__ import annotations

import pytest
from textual.widgets import Input, OptionList
from top_view import view

from pcaspy.top.put import PutScreen, parsed
from support.control_server import pv_row

DOUBLE = {"type": "double", "count": 1, "elements": [0.5]}
LONG = {"type": "long", "count": 1, "elements": [3]}
DOUBLES = {"type": "double", "count": 8, "elements": [0.5, 1.0]}
STRING = {"type": "string", "count": 1, "elements": ["x"]}
STRINGS = {"type": "string", "count": 4, "elements": ["x", "y"]}
TEXT = {"type": "char", "count": 4096, "elements": "written"}
CHARS = {"type": "char", "count": 10, "elements": [104, 105]}
BOOL = {"type": "bool", "count": 1, "elements": [0]}


@pytest.mark.parametrize(
    ("row", "text", "value"),
    [
        (DOUBLE, "2.5", 2.5),
        (DOUBLE, " -1e3 ", -1000.0),
        (DOUBLE, "nan", "nan"),
        (DOUBLE, "-INF", "-inf"),
        (DOUBLE, "1e999", "inf"),
        (LONG, "12345678901234567890", 12345678901234567890),
        (LONG, "0x1f", 31),
        (DOUBLES, "1 2.5,3", [1, 2.5, 3]),
        (DOUBLES, "[1, nan]", [1, "nan"]),
        (DOUBLES, "[1 2]", [1, 2]),
        (STRING, "12", "12"),
        (STRING, "", ""),
        (STRINGS, "a b", ["a b"]),
        (STRINGS, '["a", "b"]', ["a", "b"]),
        (TEXT, "[1] 2", "[1] 2"),
        (CHARS, "1 2", [1, 2]),
        (CHARS, "hi there", "hi there"),
        (BOOL, "True", 1),
        (BOOL, "0", 0),
    ],
)
def test_a_text_is_what_the_pv_holds(row, text, value):
    found = parsed(row, text)
    assert found == value
    assert type(found) is type(value)


@pytest.mark.parametrize(
    ("row", "text", "why"),
    [
        (DOUBLE, "", "no number"),
        (LONG, "12 3", "'12 3' is not a number"),
        (DOUBLES, "1 x", "'x' is not a number"),
        (BOOL, "perhaps", "'perhaps' is not a number"),
    ],
)
def test_a_text_that_is_not_says_why(row, text, why):
    with pytest.raises(ValueError, match=why):
        parsed(row, text)


@pytest.fixture
def server(serve):
    return serve(pvs=[pv_row("axis:position", 2.5), pv_row("axis:mode", "Auto")])


async def dialog(seen, *keys):
    """Opens it and returns its field."""
    await seen.sees("axis:mode", "axis:position")
    await seen.press(*keys, "p")
    await seen.until(
        lambda: (
            isinstance(seen.app.screen, PutScreen)
            and isinstance(seen.app.focused, Input | OptionList)
        )
    )
    return seen.app.focused


async def test_a_put_that_is_accepted(server):
    async with view() as seen:
        field = await dialog(seen, "down")
        assert isinstance(field, Input)
        await seen.sees("now 2.5 mm (double)")
        await seen.press("7", ".", "5", "enter")
        await seen.until(lambda: server.puts == [("axis:position", 7.5)])
        await seen.sees("put to axis:position")
        assert not isinstance(seen.app.screen, PutScreen)


async def test_a_put_that_is_refused_says_why_and_can_be_mended(server):
    server.put_error = "PV axis:position: 99 is above drvh, [red]10[/]"
    async with view() as seen:
        await dialog(seen, "down")
        await seen.press("9", "9", "enter")
        await seen.sees("99 is above drvh, [red]10[/]")
        server.put_error = None
        await seen.press("backspace", "enter")
        await seen.until(lambda: server.puts == [("axis:position", 9)])
        await seen.until(lambda: not isinstance(seen.app.screen, PutScreen))


async def test_what_is_no_number_is_not_sent(server):
    async with view() as seen:
        await dialog(seen, "down")
        await seen.press("9", "x", "enter")
        await seen.sees("'9x' is not a number")
        assert server.asked_for("put") == []


async def test_an_enum_is_put_by_its_label(server):
    labels = ["Off", "Auto", "[b]Hand"]
    server.more["axis:mode"] = {"type": "enum", "labels": labels, "elements": [1]}
    async with view() as seen:
        field = await dialog(seen)
        assert isinstance(field, OptionList)
        await seen.sees("Off", "[b]Hand")
        assert field.highlighted == 1
        await seen.press("down", "enter")
        await seen.until(lambda: server.puts == [("axis:mode", "[b]Hand")])


async def test_what_is_read_only_cannot_be_put(server):
    server.more["axis:mode"] = {"readonly": True}
    async with view() as seen:
        await seen.sees("axis:mode")
        await seen.press("p")
        await seen.sees("it is read only")
        await seen.press("enter", "escape")
        await seen.lacks("it is read only")
        assert server.asked_for("put") == []


async def test_a_pv_that_is_removed_meanwhile(server):
    async with view() as seen:
        await seen.sees("axis:mode")
        del server.pvs["axis:mode"]
        await seen.press("p")
        await seen.sees("there is no PV")


async def test_a_put_that_takes_its_time_does_not_stop_the_view(server):
    """The dialog can be closed; what becomes of the put is said later."""
    async with view() as seen:
        await dialog(seen, "down")
        server.accepting.clear()
        await seen.press("1", "enter")
        await seen.sees("waiting for the driver")
        before = len(server.asked_for("pvs"))
        await seen.until(lambda: len(server.asked_for("pvs")) > before + 2)
        await seen.press("enter", "escape")
        await seen.until(lambda: not isinstance(seen.app.screen, PutScreen))
        server.put_error = "too late"
        server.accepting.set()
        await seen.sees("put to axis:position: too late")
        assert len(server.asked_for("put")) == 1
