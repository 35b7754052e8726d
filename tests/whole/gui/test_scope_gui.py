"""The oscilloscope's window: it shows what the server has, and sets it."""

from support.peers import ROOT


def test_window(run):
    assert run("gui", ROOT / "tests" / "whole" / "gui" / "window_side.py").endswith(
        "done\n"
    )


def test_screenshot(run, tmp_path):
    picture = tmp_path / "scope.png"
    run("gui", ROOT / "examples" / "scope_gui.py", "--screenshot", picture)
    contents = picture.read_bytes()
    assert contents.startswith(b"\x89PNG")
    assert len(contents) > 10_000  # a curve, not an empty window
