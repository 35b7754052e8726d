"""Build of the server's extension modules; pyproject.toml has everything else."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent / "tools"))
from building import extension, setup, sources_in

ENGINE_DIRS = ("base", "proto", "net", "dbr", "access", "pv", "server")

ENGINE = extension(
    "pcaspy._engine",
    ["src/pcaspy/_engine.pyx", "src/pcaspy/py_bridge.cpp", *sources_in(*ENGINE_DIRS)],
    dsos=["epicscorelibs.lib.Com"],
)

setup(modules=[ENGINE])
