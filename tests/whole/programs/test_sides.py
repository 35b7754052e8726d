"""Programs run with the packages that their side is to have."""

from __future__ import annotations

import json
import subprocess

import pytest
from program_sides import HERE, RELEASED, SOURCES, environment, interpreter

pytestmark = pytest.mark.timeout(300)

TELL = """
import importlib, importlib.metadata, json, sys
module = importlib.import_module(sys.argv[1])
print(json.dumps([module.__file__, module.__version__]))
"""


@pytest.mark.parametrize(
    ("peer", "package", "version"),
    [("lewis", "pcaspy", "0.8.1"), ("coniql", "aioca", "2.1")],
)
def test_the_packages_of_a_side(peer, package, version):
    files = {}
    for side in (RELEASED, HERE):
        argv = [interpreter(side, peer), "-c", TELL, package]
        told = subprocess.run(
            argv, env=environment(side), capture_output=True, text=True, check=True
        )
        files[side], found = json.loads(told.stdout)
        if side == RELEASED:
            assert found == version
    assert files[HERE].startswith(str(SOURCES / package))
    assert f".peers/{peer}/" in files[RELEASED]
