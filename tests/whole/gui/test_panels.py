"""The panels: up to date, well-formed, about PVs that there are, and usable in PyDM."""

import re
import subprocess
import sys
import xml.etree.ElementTree as ElementTree

import pytest

from support.example_program import Program
from support.peers import ROOT

pytestmark = pytest.mark.timeout(300)  # for PyDM and its environment
PANELS = ROOT / "examples" / "panels"
SIDE = ROOT / "tests" / "whole" / "gui" / "panel_side.py"
RANGES = {
    "scope.bob": ("<minimum>0.0</minimum>", "<maximum>10.0</maximum>"),
    "scope.adl": ("minRange=0.000000", "maxRange=10.000000"),
    "scope.ui": ("<double>0.0</double>", "<double>10.0</double>"),
}
NAMES = list(RANGES)


@pytest.fixture(scope="module")
def served():
    sys.path.insert(0, str(ROOT / "examples"))
    try:
        from oscilloscope import PREFIX, PVDB
    finally:
        sys.path.pop(0)
    return {PREFIX + name for name in PVDB}


@pytest.mark.parametrize("name", NAMES)
def test_is_what_the_script_writes(tmp_path, name):
    script = PANELS / "make_panels.py"
    subprocess.run([sys.executable, script, tmp_path], check=True)
    assert (PANELS / name).read_text() == (tmp_path / name).read_text()


@pytest.mark.parametrize("name", NAMES)
def test_all_pvs_exist(served, name):
    used = set(re.findall(r"testAPD:scope1:\w+", (PANELS / name).read_text()))
    assert len(used) == 21
    assert used <= served


@pytest.mark.parametrize("name", ["scope.bob", "scope.ui"])
def test_is_xml(name):
    ElementTree.parse(PANELS / name)


def test_adl_has_balanced_braces():
    depth = 0
    for line in (PANELS / "scope.adl").read_text().splitlines():
        depth += line.count("{") - line.count("}")
        assert depth >= 0, line
    assert depth == 0


@pytest.mark.parametrize("name", NAMES)
def test_titles_units_and_range(name):
    text = (PANELS / name).read_text()
    for title in ("Oscilloscope", "Time (divisions)", "Voltage (divisions)"):
        assert title in text
    for group in ("Acquisition", "Horizontal", "Vertical", "Signal"):
        assert group in text
    for end in RANGES[name]:
        assert end in text


def test_units_in_medm():
    """The other two show the unit that a PV has; medm shows none."""
    text = (PANELS / "scope.adl").read_text()
    for label in ("Offset (V)", "Update time (s)", "Maximum (V)", "Gain"):
        assert f'textix="{label}"' in text


def test_panel_in_pydm(run, env):
    server = Program("oscilloscope", env=env)
    try:
        assert "done" in run("pydm", SIDE, PANELS / "scope.ui")
        server.interrupt()
        assert server.wait(60)[0] == 0
    finally:
        server.close()
