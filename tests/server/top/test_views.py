"""What is shown, sorted, searched and opened."""

from __future__ import annotations

import time

import pytest
from top_view import view

from pcaspy.top.link import Answer
from pcaspy.top.screens import ChannelScreen, PvScreen, RowScreen
from support.control_server import pv_row


def some_pvs():
    return [
        pv_row("axis:position", 2.5, clients=3, rate=12.4, time=time.time() - 3900),
        pv_row("axis:limit", 9, severity="MAJOR", alarm="HIHI", time=time.time() - 900),
        pv_row("Axis:Mode", "Auto", clients=1, severity="MINOR", alarm="STATE"),
    ]


def names(seen):
    """The PVs on the screen, in their order."""
    lines = [line.lstrip("> ").split(" ")[0] for line in seen.lines()]
    return [word.partition(":")[2] for word in lines if word.lower()[:5] == "axis:"]


async def test_the_pvs_of_the_only_server(serve):
    serve(pvs=some_pvs())
    async with view() as seen:
        await seen.sees("axis", "PID 4321", "3 PVs", "up 62 min", "2 clients")
        position = seen.row("axis:position").split()
        assert position[:2] == ["axis:position", "2.5"]
        assert position[-4:] == ["65", "min", "3", "12"]
        assert "MAJOR HIHI" in seen.row("axis:limit")
        assert "NO_ALARM" not in seen.text()


async def test_an_alarm_has_the_colour_of_its_severity(serve):
    serve(pvs=[*some_pvs(), pv_row("axis:lost", 0, severity="INVALID", alarm="UDF")])
    async with view() as seen:
        await seen.sees("axis:limit")
        table = seen.app.screen.table
        await seen.press("end")
        looks = {}
        for strip in seen.app.screen._compositor.render_strips():
            for segment in strip:
                for word in ("MAJOR", "MINOR", "INVALID"):
                    if word in segment.text:
                        looks[word] = segment.style.color, segment.style.reverse
        wanted = table.get_component_rich_style("table--major").color
        assert looks["MAJOR"] == (wanted, None)
        assert len(set(looks.values())) == 3


async def test_what_is_asked_is_what_is_seen(serve):
    server = serve(pvs=[pv_row(f"p{n:05}") for n in range(5000)])
    async with view(size=(80, 24)) as seen:
        await seen.sees("p00000", "5,000 PVs")
        assert all(asked["limit"] <= 72 for asked in server.asked_for("pvs"))


async def test_sorts_by_each_column_with_keys(serve):
    server = serve(pvs=some_pvs())
    async with view(size=(120, 30)) as seen:
        await seen.sees("PV▲", "axis:limit")
        for column, key in (
            ("Value", "value"),
            ("Alarm", "alarm"),
            ("Age", "age"),
            ("Clients", "clients"),
            ("Rate/s", "rate"),
            ("PV", "name"),
        ):
            await seen.press("greater_than_sign")
            await seen.sees(f"{column}▼" if key in FALLING else f"{column}▲")
            await seen.until(lambda key=key: server.asked_for("pvs")[-1]["sort"] == key)
        await seen.press("less_than_sign")
        await seen.sees("Rate/s▼")
        await seen.until(lambda: names(seen)[0] == "position")
        await seen.press("r")
        await seen.sees("Rate/s▲")
        await seen.until(lambda: names(seen)[-1] == "position")


FALLING = {"alarm", "clients", "rate"}


async def test_sorts_by_a_click_on_the_header(serve):
    serve(pvs=some_pvs())
    async with view(size=(120, 30)) as seen:
        await seen.sees("axis:limit", "Clients")
        header = next(n for n, line in enumerate(seen.lines()) if "Clients" in line)
        x = seen.lines()[header].index("Clients") + 2
        await seen.click(x, header)
        await seen.sees("Clients▼")
        await seen.until(lambda: names(seen) == ["position", "Mode", "limit"])
        await seen.click(x, header)
        await seen.sees("Clients▲")
        await seen.until(lambda: names(seen) == ["limit", "Mode", "position"])


async def test_searches_a_part_of_the_name(serve):
    server = serve(pvs=some_pvs())
    async with view() as seen:
        await seen.sees("axis:limit")
        await seen.search("MO")
        await seen.lacks("axis:limit")
        assert names(seen) == ["Mode"]
        await seen.press("enter", "r")  # keys are the table's again
        await seen.sees("PV▼", "Axis:Mode")
        await seen.press("escape")
        await seen.sees("axis:limit", "axis:position")
        assert server.asked_for("pvs")[-1]["match"] == ""


async def test_searches_by_a_pattern(serve):
    serve(pvs=some_pvs())
    async with view() as seen:
        await seen.sees("axis:limit")
        await seen.search("*:?O*")
        await seen.until(lambda: names(seen) == ["Mode", "position"])
        await seen.press("escape")
        await seen.search("nothing")
        await seen.sees("no PV has this in its name")


async def test_the_cursor_stays_in_what_there_is(serve):
    server = serve(pvs=[pv_row(f"p{n:05}") for n in range(500)])
    async with view() as seen:
        await seen.sees("p00000")
        await seen.press("end")
        await seen.sees(">p00499")
        for name in list(server.pvs)[3:]:
            del server.pvs[name]
        server._sorted.clear()
        await seen.sees(">p00002", " p00000")


async def test_an_answer_to_what_was_wanted_before_is_not_shown(serve):
    serve(pvs=some_pvs())
    async with view() as seen:
        await seen.sees("axis:limit")
        table = seen.app.screen.pvs
        (before,) = table.requests()
        await seen.search("Mode")
        await seen.until(lambda: table.total() == 1)
        rows = {"matching": 3, "rows": [pv_row("axis:limit")]}
        table.take(Answer(before, rows, None, 0.0))
        assert table.total() == 1
        assert names(seen) == ["Mode"]


# ---- long tables ----


@pytest.fixture
def many(serve):
    """A server with 100,000 PVs."""
    return serve(pvs=[pv_row(f"p{n:06}", n) for n in range(100_000)])


async def test_scrolls_to_the_end_of_a_hundred_thousand(many):
    async with view(size=(80, 24)) as seen:
        await seen.sees("100,000 PVs", ">p000000")
        await seen.press("end")
        await seen.sees(">p099999", " p099990")
        await seen.press("up", "up")
        await seen.sees(">p099997")
        await seen.press("pageup")
        await seen.sees(">p099979")
        await seen.press("home")
        await seen.sees(">p000000")
        await seen.press("pagedown", "down", "j")
        await seen.sees(">p000020")
        await seen.press("k")
        await seen.sees(">p000019")
        assert all(asked["limit"] <= 72 for asked in many.asked_for("pvs"))


async def test_scrolls_with_the_mouse(many):
    async with view(size=(80, 24)) as seen:
        await seen.sees(">p000000")
        table = seen.app.screen.table
        table.scroll_to(y=50_000, animate=False, force=True)
        await seen.sees("p050000", "p050010")
        assert table.cursor == 0
        await seen.click(5, 10)
        await seen.until(lambda: table.cursor >= 50_000)
        await seen.sees(f">p{table.cursor:06}")


async def test_is_never_slower_than_the_server(many):
    """Rows that pass by while the server is stalled are not asked for afterwards."""
    async with view(size=(80, 24), interval=3600) as seen:
        await seen.sees(">p000000")
        many.going.clear()
        before = len(many.asked)
        for _ in range(100):
            await seen.press("pagedown")
        assert len(many.asked) <= before + 1
        many.going.set()
        await seen.sees(">p001800")
        assert len(many.asked) <= before + 4


# ---- the other views ----


def circuit(number, **members):
    return {
        **{"circuit": number, "protocol": "ca", "user": "zoe", "host": "desk"},
        **{"address": "10.0.0.5:40001", "channels": 2, "subscriptions": 1},
        **{"since": time.time() - 3600, "held": 2_500_000, "waiting": 0},
        **{"sent": 0, "received": 0},
        **members,
    }


async def test_circuits_and_their_channels(serve):
    server = serve(pvs=some_pvs())
    server.circuits = [
        circuit(7, channels=12),
        circuit(8, user="bob", host="lab", protocol="pva", waiting=3),
    ]
    server.channels[8] = [
        {"pv": "axis:limit", "subscriptions": 2, "readable": True, "writable": False}
    ]
    async with view(size=(140, 30)) as seen:
        await seen.sees("axis:limit")
        await seen.press("2")
        await seen.sees("zoe", "2.5 MB", "60 min", "10.0.0.5:40001")
        await seen.search("lab")
        await seen.lacks("zoe")
        assert seen.row("bob").split()[:5] == [">bob", "lab", "pva", "2", "1"]
        await seen.press("enter", "enter")
        await seen.until(lambda: isinstance(seen.app.screen, ChannelScreen))
        await seen.sees("bob@lab", "axis:limit")
        assert seen.row("axis:limit").split()[-3:] == ["2", "yes", "no"]
        await seen.press("enter")
        await seen.until(lambda: isinstance(seen.app.screen, PvScreen))
        await seen.sees("MAJOR HIHI")
        await seen.press("escape", "escape")
        await seen.sees("bob")


async def test_rates_of_a_circuit_come_from_its_bytes(serve):
    server = serve()
    server.circuits = [circuit(1)]
    async with view(size=(140, 30)) as seen:
        await seen.press("2")
        await seen.sees("zoe")

        def grown():
            server.circuits = [circuit(1, sent=server.circuits[0]["sent"] + 5_000_000)]
            return "MB" in seen.row("zoe").split("2.5 MB")[1]

        await seen.until(grown)


async def test_slow_calls_with_the_line_of_the_driver(serve):
    server = serve()
    call = {"pv": "axis:move", "call": "write", "seconds": 4.25, "when": time.time()}
    where = {"where": "axis.py:31", "line": "time.sleep(4)", "client": None}
    server.slow = [{**call, **where}]
    server.running = [{**call, **where, "call": "scan", "seconds": 0.2}]
    async with view(size=(140, 30)) as seen:
        await seen.press("3")
        await seen.sees("axis.py:31", "time.sleep(4)")
        assert seen.row("scan").split()[:4] == [">", "0.2", "scan", "axis:move"]
        assert "now" in seen.row("scan")
        assert "4.2" in seen.row("write")
        await seen.press("down", "enter")
        await seen.until(lambda: isinstance(seen.app.screen, RowScreen))
        await seen.sees("seconds", "4.25", "time.sleep(4)")


async def test_names_that_are_searched_for_in_vain(serve):
    server = serve()
    now = time.time()
    server.misses = [
        {
            "name": "axis:posision",
            "client": "10.0.0.9:5000",
            "clients": 2,
            "count": 1200,
        },
        {"name": "other", "client": "10.0.0.8:5000", "clients": 1, "count": 3},
    ]
    for row in server.misses:
        row.update(first=now - 600, last=now - 3)
    async with view(size=(140, 30)) as seen:
        await seen.press("4")
        await seen.sees("axis:posision", "1,200", "10.0.0.9:5000", "10 min")
        assert "other" in seen.lines()[seen.lines().index(seen.row("posision")) + 1]
        await seen.search("0.8")
        await seen.lacks("posision")
        await seen.sees("other")


async def test_counters_and_how_fast_they_grow(serve):
    server = serve()
    server.counters = {"circuits": 5, "reads": 0, "puts_refused": 3}
    server.kinds = {"circuits": "now", "reads": "ever", "puts_refused": "trouble"}
    async with view(size=(120, 30)) as seen:
        await seen.press("5")
        await seen.sees("circuits", "open circuits", "puts_refused")

        def grown():
            server.counters["reads"] += 1000
            return "gets/s" in seen.text() and int(
                seen.row("reads ").split()[2].replace(",", "")
            )

        assert await seen.until(grown) > 100
        assert seen.row(" circuits ").split()[1:] == ["5", "open", "circuits"]


async def test_views_by_tab_and_mouse(serve):
    serve(pvs=some_pvs())
    async with view() as seen:
        await seen.sees("axis:limit")
        await seen.press("tab")
        await seen.sees("no clients")
        await seen.press("shift+tab", "shift+tab")
        await seen.sees("Counter", "open circuits")
        bar = next(n for n, line in enumerate(seen.lines()) if "1 PVs" in line)
        await seen.click(seen.lines()[bar].index("Misses"), bar)
        await seen.sees("clients have searched for no name")


async def test_a_pv_in_full(serve):
    server = serve(pvs=some_pvs())
    server.more["axis:limit"] = {
        **{"type": "double", "count": 3, "elements": [1.5, "nan", -2.0]},
        **{"desc": "where it ends", "asg": "EXPERTS", "readonly": True},
        **{"limits": {"alarm": [None, 8.0]}},
    }
    server.more["Axis:Mode"] = {"type": "enum", "labels": ["Off", "Auto"]}
    async with view(size=(80, 40)) as seen:
        await seen.sees("axis:limit")
        await seen.click(3, seen.lines().index(seen.row("axis:limit")))
        await seen.press("enter")
        await seen.sees("where it ends", "3 elements", "EXPERTS", "read only", "[1]")
        assert "none to 8.0" in seen.row("limits alarm")
        assert seen.row("[1]").split() == ["[1]", "nan"]
        await seen.press("escape")
        await seen.search("mode")
        await seen.press("enter", "enter")
        await seen.sees("label 1")
        assert seen.row("value ").split()[-2:] == ["Auto", "mm"]


async def test_a_second_click_opens(serve):
    serve(pvs=some_pvs())
    async with view() as seen:
        await seen.sees("axis:position")
        line = seen.lines().index(seen.row("axis:position"))
        await seen.click(3, line, times=2)
        await seen.sees("access group")


async def test_help_and_themes(serve):
    serve(pvs=some_pvs())
    async with view() as seen:
        await seen.sees("axis:limit")
        await seen.press("question_mark")
        await seen.sees("Page Down", "search: part of a text")
        await seen.press("escape")
        await seen.lacks("Page Down")
        for theme in ("textual-light", "ansi-dark", "textual-dark"):
            await seen.press("t")
            await seen.until(lambda theme=theme: seen.app.theme == theme)
            await seen.sees("axis:limit")


# ---- which server ----


async def test_a_list_to_choose_from(serve):
    serve("axis", 4321, pvs=some_pvs())
    serve("pump", 4322, pvs=[pv_row("pump:speed")])
    async with view("choose") as seen:
        await seen.sees("axis", "pump", "4322", "python axis.py")
        await seen.press("down", "enter")
        await seen.sees("pump:speed", "PID 4322")
        await seen.press("o")
        await seen.sees("axis", "Enter opens")
        await seen.press("enter")
        await seen.sees("axis:limit", "PID 4321")
        await seen.press("o", "escape")
        await seen.sees("axis:limit")


async def test_a_list_without_servers(runtime):
    async with view("choose") as seen:
        await seen.sees("no server of this user runs here")
        await seen.press("enter", "escape", "r", "down")
        await seen.sees("no server of this user runs here")


@pytest.mark.parametrize("what", ["axis", "4321", "4321-1"])
async def test_a_server_by_name_and_number(serve, what):
    serve("axis", 4321, pvs=some_pvs())
    serve("pump", 4322)
    async with view(what) as seen:
        await seen.sees("axis:limit")
