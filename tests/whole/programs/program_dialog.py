"""A client program in an environment below .peers: its transcript and its wishes."""

from __future__ import annotations

import json
import subprocess
import tempfile
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from support.environment import client_environment
from support.peers import peer_python

CLIENTS = Path(__file__).parent / "clients"
SECONDS = 300.0


def transcript(
    peer: str,
    script: str,
    port: int,
    asked: Callable[[str], None] | None = None,
    **changes: str,
) -> list[Any]:
    """Run a client program to its end.

    Args:
        peer: Its environment below .peers.
        script: Its file in `clients`.
        port: The server that it finds.
        asked: Does what the program asks for.
        changes: Variables of its environment.

    Returns:
        What it has seen, in order.
    """
    env = client_environment(port, **changes)
    with tempfile.TemporaryFile(mode="w+") as errors:
        child = subprocess.Popen(
            [str(peer_python(peer)), str(CLIENTS / script)],
            env=env,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
        )
        guard = threading.Timer(SECONDS, child.kill)
        guard.start()
        try:
            seen = _talk(child, asked)
            status = child.wait(SECONDS)
        finally:
            guard.cancel()
            child.kill()
            child.wait()
            for pipe in (child.stdin, child.stdout):
                assert pipe is not None
                pipe.close()
        errors.seek(0)
        assert status == 0, (
            f"{script} ended with {status} after {seen}\n{errors.read()}"
        )
    return seen


def _talk(child: Any, asked: Callable[[str], None] | None) -> list[Any]:
    seen = []
    for line in child.stdout:
        word, _, rest = line.partition(" ")
        if word == "SEEN":
            seen.append(json.loads(rest))
        elif word == "ASK":
            assert asked is not None
            asked(rest.strip())
            child.stdin.write("done\n")
            child.stdin.flush()
    return seen
