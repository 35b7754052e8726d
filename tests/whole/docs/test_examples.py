"""The examples in docstrings: each public function has one, and it runs."""

import inspect
import json
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

import aioca
import pcaspy
from support.environment import client_environment, server_environment
from support.ports import free_port

SIDE = Path(__file__).parent / "example_side.py"


def functions():
    """The public functions and methods, by the name that a test shows."""
    found = {
        f"aioca.{name}": member
        for name in aioca.__all__
        if inspect.isroutine(member := getattr(aioca, name))
    }
    found["aioca.watch_channel"] = aioca.watch_channel
    for name in ("stats", "createPV", "process"):
        member = inspect.getattr_static(pcaspy.SimpleServer, name)
        found[f"SimpleServer.{name}"] = member
    for name, member in vars(pcaspy.Driver).items():
        if inspect.isfunction(member) and not name.startswith(("_", "overrides")):
            found[f"Driver.{name}"] = member
    found["current_client"] = pcaspy.current_client
    return found


def example_of(member):
    """The code below "Example::", or nothing."""
    text = inspect.cleandoc(member.__doc__ or "")
    _, found, code = text.partition("\nExample::\n")
    return textwrap.dedent(code) if found else ""


FUNCTIONS = functions()


@pytest.fixture(scope="module")
def outcomes():
    """What each example raised, by name; nothing if it ran to its end."""
    port = free_port()
    examples = {name: example_of(member) for name, member in FUNCTIONS.items()}
    done = subprocess.run(
        [sys.executable, "-W", "ignore::DeprecationWarning", SIDE],
        input=json.dumps(examples),
        env={**server_environment(port), **client_environment(port)},
        capture_output=True,
        text=True,
        timeout=170,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


@pytest.mark.timeout(180)
@pytest.mark.parametrize("name", sorted(FUNCTIONS))
def test_example(name, outcomes):
    assert example_of(FUNCTIONS[name]), "there is no example"
    assert outcomes[name] == ""
