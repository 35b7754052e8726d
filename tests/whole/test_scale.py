"""`make scale`, small: it runs to its end, and nothing is lost on the way."""

import json
import subprocess
import sys
from pathlib import Path

PROGRAM = Path(__file__).parents[1] / "long" / "scale" / "run.py"
COST = ("createPV", "circuits, first", "channels, first", "subscriptions, second")


def test_all_stages(tmp_path):
    results = tmp_path / "scale.json"
    options = ("--scale", "0.001", "--seconds", "0.1", "--results", str(results))
    done = subprocess.run(
        [sys.executable, str(PROGRAM), *options],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    found = json.loads(results.read_text())
    sizes, stages = found["sizes"], found["stages"]
    assert list(stages)[-1] == "close() with all circuits"
    assert all(stages[name]["cpu_us_each"] > 0 for name in COST)
    assert stages["writes"]["in_flight"] == sizes["puts"]
    assert stages["writes"]["failures"] == 0
    beyond = stages["beyond the limit of descriptors"]
    assert beyond["pauses"] >= 1
    assert 0 < beyond["served"] < beyond["asked"]
    assert all(stages[f"pcaspy {name}"]["get_p50_us"] > 0 for name in ("list", "stats"))
