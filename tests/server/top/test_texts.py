"""Texts of servers and clients on a terminal: harmless, and where they belong."""

from __future__ import annotations

import math
import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.cells import cell_len
from top_view import view

from pcaspy.top.choose import HelpScreen
from pcaspy.top.put import PutScreen
from pcaspy.top.screens import MainScreen, PvScreen
from pcaspy.top.table import Column, matcher, rank, widths
from pcaspy.top.words import (
    count,
    fitted,
    fitted_name,
    harmless,
    number,
    rate,
    size,
    span,
    wrapped,
)
from support.control_server import pv_row

HOSTILE = [
    "[red]name[/]",
    "[/]",
    "[@click=app.quit]x[/]",
    "\x1b[2J\x1b]0;title\x07",
    "a\nb\r\tc",
    "\x9b31m",
    "\u202ereversed\u2066",
    "\ud800 alone",
    "\udcff byte",
    "größe µm ™",
    "位置位置位置",
    "e\u0301\u0301\u0301",
    "👩\u200d🔬",
    "a" * 300,
    "",
    "\\",
    "{0} %s $x",
]
text = st.text(max_size=40) | st.text(
    st.characters(categories=["Cc", "Cf", "Cs", "Lo", "Mn", "So"]), max_size=20
)


@settings(max_examples=60)
@given(text)
def test_nothing_controls_the_terminal(value):
    shown = harmless(value)
    assert len(shown) == len(value)
    assert not {unicodedata.category(c) for c in shown} & {"Cc", "Cf", "Cs", "Zl", "Zp"}
    shown.encode()


@settings(max_examples=60)
@given(text, st.integers(1, 30))
def test_texts_have_the_cells_they_are_given(value, width):
    shown = harmless(value)
    for made in (fitted(shown, width), fitted(shown, width, True)):
        assert cell_len(made) == width
    assert cell_len(fitted_name(shown, width)) == width
    if cell_len(shown) <= width:
        assert fitted(shown, width).startswith(shown)


@settings(max_examples=60)
@given(text, st.integers(2, 30))
def test_lines_lose_nothing(value, width):
    lines = list(wrapped(harmless(value), width))
    assert "".join(lines) == harmless(value)
    assert all(cell_len(line) <= width for line in lines)
    assert lines


def test_a_long_name_keeps_its_ends():
    assert fitted_name("SR01C:MAGNET:QUAD:CURRENT_RBV", 16) == "SR01C:M…RENT_RBV"
    assert fitted_name("SR01C:MAGNET", 16) == "SR01C:MAGNET    "
    assert fitted_name("SR01C:MAGNET", 3) == "SR…"


@pytest.mark.parametrize(
    ("shown", "wanted"),
    [
        (span(0.04), "0.0 s"),
        (span(9.94), "9.9 s"),
        (span(119.4), "119 s"),
        (span(600), "10 min"),
        (span(7200), "2 h"),
        (span(86400 * 3), "3 d"),
        (span(-5), "-5.0 s"),
        (span(-0.01), "0.0 s"),
        (span(None), ""),
        (size(0), "0 B"),
        (size(999), "999 B"),
        (size(2_500_000), "2.5 MB"),
        (size(250_000_000_000), "250 GB"),
        (size(2.5e12), "2.5 TB"),
        (size("x"), ""),
        (rate(0), "0"),
        (rate(0.25), "0.2"),
        (rate(12345.6), "12,346"),
        (rate(None), ""),
        (count(1234567), "1,234,567"),
        (count(True), ""),
    ],
)
def test_numbers_as_people_read_them(shown, wanted):
    assert shown == wanted


@pytest.mark.parametrize("value", [None, True, "1", [], math.nan, math.inf, 10**400])
def test_what_is_no_number(value):
    assert number(value) is None


def test_a_search_is_a_part_or_a_pattern():
    assert matcher("VOL")("axis:voltage")
    assert not matcher("vol")("axis:current")
    assert matcher("axis:*[1]")("AXIS:bias[1]")
    assert not matcher("ax?s")("axis:voltage")
    assert matcher("*" * 500 + "x")("a" * 500 + "x")
    assert not matcher("*" * 500 + "x")("a" * 500)


def test_sorting_does_not_mind_what_there_is():
    values = ["b", 2, None, "A", 1.5, {}, True]
    rows = [{"x": value} for value in values] + [{}]
    rows.sort(key=lambda row: rank(lambda r: r["x"], row))
    assert [row.get("x") for row in rows[2:5]] == [True, 1.5, 2]


def test_columns_of_little_importance_give_way():
    def column(key, least, most, order):
        return Column(key, key, least, str, most, rank=order)

    columns = [column("a", 5, 20, 0), column("b", 5, 5, 2), column("c", 5, 9, 1)]
    for room in range(1, 60):
        laid = widths(columns, room)
        assert sum(cells + 1 for _, cells in laid) - 1 <= max(room, 1)
        assert laid[0][0].key == "a"
    named = {room: [c.key for c, _ in widths(columns, room)] for room in (9, 11, 17)}
    assert named == {9: ["a"], 11: ["a", "c"], 17: ["a", "b", "c"]}
    assert [cells for _, cells in widths(columns, 60)] == [20, 5, 9]


async def test_hostile_names_and_values_are_shown(serve):
    server = serve("[bold]axis\x1b[2J", pvs=[pv_row(name, name) for name in HOSTILE])
    row = {"circuit": 1, "user": HOSTILE[0], "host": HOSTILE[3], "address": HOSTILE[6]}
    server.circuits = [row]
    server.channels[1] = [{"pv": name} for name in HOSTILE]
    server.misses = [{"name": name, "client": name} for name in HOSTILE]
    server.slow = [{"pv": name, "line": name, "seconds": 1.0} for name in HOSTILE]
    server.counters = dict.fromkeys(HOSTILE, 1)
    server.meanings = {name: name for name in HOSTILE}
    for name in HOSTILE:
        labels = {"type": "enum", "labels": HOSTILE, "unit": name, "desc": name}
        server.more[name] = labels
    async with view(size=(90, 30)) as seen:
        await seen.sees("[bold]axis␛[2J", "[red]name[/]", "[@click=app.quit]x[/]")
        for key in ("2", "3", "4", "5", "1"):
            await seen.press(key)
            table = seen.app.screen.table
            await seen.until(table.current)
            await seen.sees("[red]name")
            await seen.press("enter")
            await seen.sees("Back")
            await seen.press("escape")
            await seen.until(lambda: isinstance(seen.app.screen, MainScreen))
        table = seen.app.screen.table
        for puts, index in enumerate((0, 3, 7)):
            table.move_to([row["pv"] for row in server.sorted()].index(HOSTILE[index]))
            await seen.until(table.current)
            await seen.press("enter")
            await seen.sees("access group")
            await seen.press("p")
            await seen.sees("Enter puts")
            await seen.press("down", "enter")
            await seen.until(lambda n=puts: len(server.puts) == n + 1)
            await seen.until(lambda: "Enter puts" not in seen.text())
            await seen.press("escape")
            await seen.sees("PV▲")
        assert [pv for pv, _ in server.puts] == [HOSTILE[n] for n in (0, 3, 7)]
        for strip in seen.app.screen._compositor.render_strips():
            assert not any(c in strip.text for c in "\x1b\x9b\n\r\t\u202e\ud800")


@pytest.mark.parametrize("lines", [(80, 24), (40, 10), (1, 1)])
async def test_terminals_of_any_size(serve, lines):
    server = serve(pvs=[pv_row(f"axis:position{n:03}", n) for n in range(200)])
    server.circuits = [{"circuit": 1, "user": "zoe", "host": "desk"}]
    async with view(size=lines) as seen:
        await seen.until(lambda: len(server.asked_for("pvs")) > 1)
        table = seen.app.screen.pvs
        await seen.until(lambda: table.current() is not None)
        await seen.press("end")
        await seen.until(lambda: table.current() and table.cursor == 199)
        await seen.press("enter")
        await seen.until(lambda: isinstance(seen.app.screen, PvScreen))
        await seen.press("p")
        await seen.until(lambda: isinstance(seen.app.screen, PutScreen))
        await seen.press("escape")
        await seen.until(lambda: isinstance(seen.app.screen, PvScreen))
        await seen.press("escape")
        await seen.until(lambda: isinstance(seen.app.screen, MainScreen))
        await seen.press("2", "1", "question_mark")
        await seen.until(lambda: isinstance(seen.app.screen, HelpScreen))
        await seen.press("escape")
        await seen.until(lambda: isinstance(seen.app.screen, MainScreen))
        assert len(seen.lines()) == lines[1]
        assert all(cell_len(line) == lines[0] for line in seen.lines())
        await seen.search("19")
        await seen.until(lambda: table.total() == 12)
        if lines[0] >= 40:
            await seen.sees(">axis:position019", "axis:position119", "axis")


async def test_a_small_terminal_shows_the_important(serve):
    serve(pvs=[pv_row(f"axis:position{n:03}", n) for n in range(200)])
    async with view(size=(40, 10)) as seen:
        await seen.sees("axis", "1 PVs", "Stats", "Value", ">axis:position000")
        await seen.until(
            lambda: sum("axis:position" in line for line in seen.lines()) == 6
        )
        await seen.press("p")
        await seen.sees("now 0 mm", "Enter puts")


async def test_a_terminal_that_changes_its_size(serve):
    serve(pvs=[pv_row(f"axis:position{n:03}", n) for n in range(200)])
    async with view(size=(100, 30)) as seen:
        await seen.sees("axis:position005")
        await seen.press("end")
        await seen.sees(">axis:position199")
        for lines in ((60, 12), (30, 8), (120, 40)):
            await seen.pilot.resize_terminal(*lines)
            await seen.until(lambda n=lines: len(seen.lines()) == n[1])
            await seen.sees(">axis:position199")


async def test_without_colours_all_is_said_in_words(serve, monkeypatch):
    monkeypatch.setenv("NO_COLOR", "1")
    pvs = [pv_row("axis:x", severity="MAJOR", alarm="HIHI"), pv_row("axis:y")]
    serve(pvs=pvs)
    async with view(theme="terminal") as seen:
        await seen.sees("MAJOR HIHI", ">axis:x", "PV▲")
        for strip in seen.app.screen._compositor.render_strips():
            shown = strip
            for line_filter in seen.app._filters:
                shown = shown.apply_filter(
                    line_filter, seen.app.screen.background_colors[0]
                )
            for segment in shown:
                style = segment.style
                assert style is None or style.color is None or style.color.is_default
