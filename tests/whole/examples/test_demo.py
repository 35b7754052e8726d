"""`make demo`: server and client together, for some seconds, then a clean end."""

import re
import subprocess
import sys

from support.environment import without_epics
from support.example_program import EXAMPLES


def test_demo():
    ended = subprocess.run(
        [sys.executable, EXAMPLES / "demo.py"],
        env=without_epics(),
        capture_output=True,
        text=True,
        timeout=50,
    )
    assert (ended.returncode, ended.stderr) == (0, "")
    get, _, rest = ended.stdout.partition("monitor\n")
    monitor, _, put = rest.partition("put\n")
    assert re.search(r"testAPD:scope1:Run +Run\n", get)
    assert re.search(r"testAPD:scope1:NoiseAmplitude +0.100 V\n", get)
    stamps = re.findall(r"^  (\d\d:\d\d:\d\d\.\d+)  [▁-█]+$", monitor, re.MULTILINE)
    assert len(stamps) >= 4
    assert re.search(r"VoltsPerDivSelect_RBV +0.20\n", put)
