"""Types: the stubs are those of the compiled modules, and users get what they need."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from pvxslibs.lib import pvxs_dsoinfo

ROOT = Path(__file__).parents[3]
SRC = ROOT / "src"
COMPILED = sorted(
    ".".join(stub.relative_to(SRC).with_suffix("").parts) for stub in SRC.rglob("*.pyi")
)


def run(module, *arguments, folder=ROOT):
    """Exit status and output of a checker."""
    # Where _pva finds the library that the package loads ahead of it.
    pvxs = Path(pvxs_dsoinfo.sofilename).parent
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-m", module, *map(str, arguments)],
        cwd=folder,
        env={**os.environ, "LD_LIBRARY_PATH": str(pvxs)},
        capture_output=True,
        text=True,
        timeout=170,
    )
    return done.returncode, done.stdout + done.stderr


def test_every_compiled_module_has_a_stub():
    modules = {path.with_suffix("") for path in SRC.rglob("*.pyx")}
    stubs = {path.with_suffix("") for path in SRC.rglob("*.pyi")}
    assert modules == stubs


@pytest.mark.timeout(180)
def test_stubs_agree_with_the_compiled_modules():
    allowed = Path(__file__).parent / "allowed.txt"
    options = ["--concise", "--ignore-disjoint-bases", "--allowlist", allowed]
    config = ["--mypy-config-file", ROOT / "pyproject.toml"]
    status, output = run("mypy.stubtest", *COMPILED, *options, *config)
    assert status == 0, output


@pytest.mark.timeout(180)
def test_strict(tmp_path):
    status, output = run("mypy", "--cache-dir", tmp_path / "cache")
    assert status == 0, output


@pytest.mark.timeout(180)
@pytest.mark.parametrize("program", ["user_program.py", "wrong_program.py"])
def test_programs_of_users(tmp_path, program):
    """The first has no fault; the second one on each line that is marked."""
    config = ["--config-file", ROOT / "pyproject.toml"]
    options = ["--strict", "--cache-dir", tmp_path / "cache", *config]
    options += ["--disable-error-code", "ignore-without-code"]
    status, output = run("mypy", *options, Path(__file__).parent / program)
    assert status == 0, output
