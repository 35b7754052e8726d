"""What `make bench` publishes is what the pages show."""

import importlib.util
import re
import sys

import pytest
from session import ROOT

BENCHMARKS = ROOT / "benchmarks"
PAGE = (ROOT / "docs" / "explanation" / "performance.md").read_text()
FACTS = {"when": "2026-01-01 00:00", "python": "3.13.0", "repetitions": 2}


@pytest.fixture
def load(monkeypatch):
    """Imports a module of benchmarks/ under a name of its own."""
    monkeypatch.syspath_prepend(BENCHMARKS)

    def load(path):
        spec = importlib.util.spec_from_file_location("loaded", BENCHMARKS / path)
        module = importlib.util.module_from_spec(spec)
        monkeypatch.setitem(sys.modules, "loaded", module)
        spec.loader.exec_module(module)
        return module

    yield load
    for name in ("goals", "peers", "report"):
        sys.modules.pop(name, None)


@pytest.fixture
def report(load):
    return load("report.py")


def first_cells(text):
    lines = [line for line in text.splitlines() if line.startswith("|")]
    return [line.split(" |")[0].strip("| ") for line in lines[2:]]


def values_of(rows):
    """As if everything had been measured twice."""
    return {
        r.metric: {n: [1.0, 1.1] for n in ("ours", "pcaspy", "ioc", "rote")}
        for r in rows
    }


def test_server(report, tmp_path, monkeypatch):
    drawn = []
    monkeypatch.setattr(
        report, "plot", lambda _values, path, *_a, **_k: drawn.append(path)
    )
    docs, bench = tmp_path / "docs", tmp_path / "bench"
    docs.mkdir()
    bench.mkdir()
    report.publish(values_of(report.ROWS), FACTS, docs, bench)
    full = (bench / "server.md").read_text()
    short = (docs / "performance-results.md").read_text()
    assert len(first_cells(full)) == len(report.ROWS)
    assert first_cells(short) == [row.text for row in report.SUMMARY]
    assert "by rote" in full
    assert "by rote" not in short
    assert drawn == [bench / "server.svg", docs / "performance.svg"]


def test_client(load):
    run = load("aioca/run.py")
    found = {name: [1.0, 2.0, 3.0] for name in run.CONTENDERS}
    short = run.summary(dict.fromkeys(run.SCENARIOS, found))
    assert first_cells(short) == list(run.SUMMARY.values())


def test_the_short_table_has_a_goal_for_each_row(report):
    """The goal says whether more or less is better."""
    assert len(report.SUMMARY) == len(sys.modules["goals"].SUMMARY_TEXT)
    assert all(row.goals for row in report.SUMMARY)


def test_the_page_shows_what_is_published():
    shown = set(re.findall(r"(?:\{include\} |\()(performance[-\w]*\.\w+)", PAGE))
    assert shown == {
        "performance.svg",
        "performance-results.md",
        "performance-aioca.md",
    }
    for name in shown:
        assert (ROOT / "docs" / "explanation" / name).exists()


def test_what_is_published_now(report):
    page = (ROOT / "docs" / "explanation" / "performance-results.md").read_text()
    assert first_cells(page) == [row.text for row in report.SUMMARY]
    full = (BENCHMARKS / "server.md").read_text()
    assert first_cells(full) == [row.text for row in report.ROWS]
