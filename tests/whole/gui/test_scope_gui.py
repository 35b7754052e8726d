"""The oscilloscope's window: it shows what the server has, and sets it."""

import pytest

from support.peers import ROOT

# Windows are slow to open on a busy computer, and their environments to make.
pytestmark = pytest.mark.timeout(300)
HERE = ROOT / "tests" / "whole" / "gui"
ABOUT_FIELDS = """
    initial values choices alarms refusals typing properties restart picture absent
""".split()


def test_window(run):
    assert run("gui", HERE / "window_side.py").endswith("done\n")


def test_window_over_pvaccess(run):
    assert run("gui", HERE / "window_side.py", "pva").endswith("done\n")


@pytest.mark.parametrize("what", ABOUT_FIELDS)
def test_fields(run, what):
    assert run("gui", HERE / "fields_side.py", what).endswith("done\n")
