"""The rows of the benchmarks: their goals, and the choice of some of them."""

import dataclasses
import importlib
import subprocess
import sys
from pathlib import Path

import pytest

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"


@pytest.fixture
def load(monkeypatch):
    """Imports a module of benchmarks/, which is forgotten after the test."""
    monkeypatch.syspath_prepend(BENCHMARKS)
    for path in BENCHMARKS.glob("*.py"):  # other tests have some with the same names
        monkeypatch.delitem(sys.modules, path.stem, raising=False)
    before = set(sys.modules)
    yield importlib.import_module
    for name in set(sys.modules) - before:
        if str(BENCHMARKS) in (getattr(sys.modules[name], "__file__", None) or ""):
            del sys.modules[name]


def program(name, *arguments):
    return subprocess.run(
        [sys.executable, str(BENCHMARKS / name), *arguments],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.mark.parametrize(
    ("ours", "ioc", "met", "held"),
    [
        ([1.0, 1.0], [1.0, 1.0], True, (2, 2)),
        ([1.0, 1.1, 1.0], [1.0, 1.0, 1.0], False, (2, 3)),  # the median would do
        ([], [1.0], None, (0, 0)),
        ([1.0], [], None, (0, 0)),
    ],
)
def test_a_goal_of_each_run(load, ours, ioc, met, held):
    goal = load("goals").most(1.02, "ioc", each=True)
    measured = {"ours": ours, "ioc": ioc}
    assert goal.met(measured) is met
    assert goal.held(measured) == held


@pytest.mark.parametrize(
    ("ours", "pcaspy", "met"),
    [([6.0, 5.0, 7.0], [1.0, 1.0, 2.0], True), ([5.9], [1.0], False)],
)
def test_a_goal_of_medians(load, ours, pcaspy, met):
    goal = load("goals").least(6, "pcaspy")
    assert goal.met({"ours": ours, "pcaspy": pcaspy}) is met


def test_the_verdict_counts_the_runs_that_miss(load):
    goals, report = load("goals"), load("report")
    row = goals.Row("m", "m", (goals.most(1.0, "ioc", each=True), goals.least(2e6)))
    text = report.verdict(row, {"ours": [1.0, 2.0], "ioc": [1.0, 1.0]})
    assert "≤ 1 x ioc in each run: **missed** in 1 of 2 (1.5 x ioc)" in text
    assert "≥ 2,000,000: **missed**" in text


def test_each_group_has_rows_and_each_row_a_group(load):
    goals, scenarios = load("goals"), load("scenarios")
    assert list(scenarios.GROUPS) == list(goals.ROWS_OF)
    assert len(goals.GROUP_OF) == len(goals.ROWS)


def test_what_a_group_yields_is_in_the_table(load):
    goals, scenarios, peers = load("goals"), load("scenarios"), load("peers")
    peers.compile_programs()
    short = dataclasses.replace(scenarios.QUICK, seconds=0.1)
    for group in ("putcbs", "putcb_one", "fan50", "import"):
        found = dict(scenarios.GROUPS[group][1](peers.CONTENDERS["ours"], short))
        assert list(found) == [row.metric for row in goals.ROWS_OF[group]]
        assert all(value > 0 for value in found.values())


def test_rows_choose_groups_and_contenders(load):
    run = load("run")
    assert run.contenders_of({"putcb_one_rate", "putcb_one_cpu_us"}) == [
        "ours",
        "pcaspy",
        "ioc",
    ]
    assert run.contenders_of({"import_cpu_s"}) == ["ours"]


@pytest.mark.parametrize("name", ["run.py", "aioca/run.py"])
def test_rows_of_the_other_half_are_left_to_it(name):
    other = "aioca_get" if name == "run.py" else "get_p50_us"
    done = program(name, "--rows", other)
    assert (done.returncode, done.stdout) == (0, "")


@pytest.mark.parametrize(
    ("name", "row"), [("run.py", "get_p51_us"), ("aioca/run.py", "aioca_got")]
)
def test_an_unknown_row(name, row):
    done = program(name, "--rows", row)
    assert done.returncode == 2
    assert row.removeprefix("aioca_") in done.stderr


def test_some_rows_are_not_published():
    assert program("run.py", "--rows", "get_p50_us", "--publish").returncode == 2
