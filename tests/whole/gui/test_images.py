"""`make screenshot`: the pictures of the documentation, from what programs show."""

import os
import shutil
import subprocess
import sys

import pytest

from support.peers import ROOT

pytestmark = pytest.mark.timeout(600)
NAMES = {"oscilloscope.png", "panel.png", "terminal.png", "top.svg"}


@pytest.mark.skipif(not shutil.which("make"), reason="needs make")
def test_make_screenshot(tmp_path):
    subprocess.run(
        [
            *("make", "--no-print-directory", "screenshot", f"IMAGES={tmp_path}"),
            # This environment is built, whatever its name and the files' times are.
            *(f"VENV={sys.prefix}", "-o", f"{sys.prefix}/.built"),
        ],
        cwd=ROOT,
        env={k: v for k, v in os.environ.items() if not k.startswith("MAKE")},
        check=True,
    )
    assert {path.name for path in tmp_path.iterdir()} == NAMES
    for name in NAMES:
        contents = (tmp_path / name).read_bytes()
        assert contents.startswith(b"<svg" if name.endswith(".svg") else b"\x89PNG")
        assert len(contents) > 10_000  # a curve, not an empty window


def test_all_of_them_are_shown():
    pages = [ROOT / "README.md", *ROOT.glob("docs/**/*.md")]
    text = "".join(page.read_text() for page in pages if "_build" not in page.parts)
    for name in NAMES:
        assert (ROOT / "docs" / "images" / name).exists()
        assert f"images/{name}" in text
