"""A few seconds of the soak: that it runs, and finds nothing."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest


@pytest.mark.timeout(180)
def test_a_short_soak(tmp_path):
    run = Path(__file__).with_name("run.py")
    options = ["--minutes", "0.15", "--period", "8", "--out", tmp_path]
    done = subprocess.run(
        [sys.executable, run, *options], text=True, capture_output=True, timeout=170
    )
    assert done.returncode == 0, done.stdout + done.stderr
    report = json.loads((tmp_path / "summary.json").read_text())
    assert report["wrong"] == []
    assert report["clients"]["aioca"]["updates"] > 300
    assert report["clients"]["pyepics"]["updates"] > 300
    assert set(report["rough_clients"]) >= {"never_reads", "sleeps", "babbles"}
