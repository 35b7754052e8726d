"""The wheel in an empty environment: it serves, and its own client reads and writes."""

import subprocess
import sys
from pathlib import Path

import pytest

from support.environment import server_environment
from support.ports import free_port

pytestmark = pytest.mark.timeout(900)

SMOKE = Path(__file__).parent / "smoke.py"


@pytest.fixture(scope="module")
def installed(wheel, tmp_path_factory):
    """An environment with the wheel and what it requires, and nothing else."""
    folder = tmp_path_factory.mktemp("empty") / "venv"
    subprocess.run([sys.executable, "-m", "venv", folder], check=True)
    python = folder / "bin" / "python"
    install = [python, "-m", "pip", "install", "--quiet", wheel]
    subprocess.run(install, check=True)
    return folder / "bin"


def environment(tmp_path):
    env = server_environment(free_port(), HOME=str(tmp_path))
    env["EPICS_CA_SERVER_PORT"] = env["EPICS_CAS_SERVER_PORT"]
    env["EPICS_CA_REPEATER_PORT"] = str(free_port())
    return {key: env[key] for key in env if not key.startswith("PYTHON")}


def test_serves(installed, tmp_path):
    done = subprocess.run(
        [installed / "python", "-W", "error", SMOKE],
        env=environment(tmp_path),
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert (done.stdout, done.stderr, done.returncode) == ("2.5 mm\n", "", 0)


def test_command_line(installed, tmp_path):
    done = subprocess.run(
        [installed / "aioca", "--version"],
        env=environment(tmp_path),
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0
    assert done.stdout.strip()


def test_requirements_agree(installed):
    subprocess.run([installed / "python", "-m", "pip", "check"], check=True)
