"""The driver in C++ of examples/native: built as its README says, and asked."""

import shutil
import signal
import subprocess
import sys

import pytest

from support.environment import server_environment
from support.epics_client import ECA_NORMAL
from support.example_program import EXAMPLES

NAME = "NATIVE:COUNTER"
pytestmark = pytest.mark.timeout(300)


@pytest.fixture(scope="module")
def program(tmp_path_factory):
    """The driver, compiled in a folder of its own."""
    folder = tmp_path_factory.mktemp("native") / "counter"
    shutil.copytree(EXAMPLES / "native", folder)
    done = subprocess.run(
        ["make", "-B", f"PYTHON={sys.executable}", "CXX=c++ -Werror"],
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert done.returncode == 0, done.stdout
    return folder / "counter"


@pytest.fixture
def counter(program, port):
    """The running driver; SIGTERM must end it without a complaint."""
    running = subprocess.Popen(
        [program],
        env=server_environment(port),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert running.stdout.readline().startswith(f"serving {NAME} on port ")
        yield
        running.send_signal(signal.SIGTERM)
        assert running.communicate(timeout=60) == ("", "")
        assert running.returncode == 0
    finally:
        running.kill()
        running.communicate()


@pytest.mark.usefixtures("counter")
def test_it_counts(client):
    client.monitor(NAME)
    values = [update["value"] for update in client.updates(NAME, count=4)]
    assert values[1:] == [values[0] + step for step in (1, 2, 3)]
    found = client.get(NAME, form="ctrl")
    assert (found["units"], found["severity"]) == ("counts", 0)


@pytest.mark.usefixtures("counter")
def test_it_goes_on_from_what_is_put(client):
    assert client.put(NAME, 1_000_000) == ECA_NORMAL
    assert 1_000_000 <= client.value(NAME) < 1_010_000


def test_flags_are_those_of_one_kind_when_asked_for():
    def printed(*options):
        command = [sys.executable, "-m", "pcaspy", "flags", *options]
        return subprocess.run(
            command, check=True, capture_output=True, text=True
        ).stdout.split()

    both, compiler, linker = printed(), printed("--compile"), printed("--link")
    assert both == compiler + linker
    assert "-lpcas" in linker
    assert "-std=c++20" in compiler
