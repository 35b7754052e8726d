"""The examples in docstrings: each public function has one, and it runs."""

import ast
import inspect
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
    """The code below "Example:", or nothing."""
    text = inspect.cleandoc(member.__doc__ or "")
    _, found, code = text.partition("\nExample:\n")
    return textwrap.dedent(code) if found else ""


FUNCTIONS = functions()


@pytest.mark.parametrize("name", sorted(FUNCTIONS))
def test_example(name):
    code = example_of(FUNCTIONS[name])
    assert code, "there is no example"
    ast.parse(code)
    port = free_port()
    env = {**server_environment(port), **client_environment(port)}
    loop = "no loop" if name == "aioca.run" else "loop"
    done = subprocess.run(
        [sys.executable, "-W", "ignore::DeprecationWarning", SIDE, loop],
        input=code,
        env=env,
        capture_output=True,
        text=True,
        timeout=55,
    )
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr, done.stderr
