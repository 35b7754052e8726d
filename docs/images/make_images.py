"""Makes the pictures of the documentation: window, PyDM panel, terminal and `top`.

They show the oscilloscope of examples/, served on loopback and a free port. The text
in the terminal is what the commands print. The programs with a window run without a
screen, in the environments that the tests use.

Usage: python docs/images/make_images.py [FOLDER]
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2] / "tests"))
from support.environment import client_environment, server_environment
from support.peers import ROOT, peer_python
from support.ports import free_port

HERE = Path(__file__).parent
SECONDS = 120
SCOPE = "testAPD:scope1:"
SERVE = "pcaspy serve examples/oscilloscope.py"
# What is typed, and after how many lines of a program that goes on Ctrl-C is pressed.
SESSION = [
    (f"aioca get {SCOPE}VoltsPerDivSelect {SCOPE}MaxValue_RBV", None),
    (f"aioca put -c {SCOPE}NoiseAmplitude 2.5", None),
    (f"aioca get -a {SCOPE}NoiseAmplitude_RBV {SCOPE}MaxValue_RBV", None),
    (f"aioca monitor {SCOPE}MaxValue_RBV", 4),
]
# PVs that clients watch in the picture of `top`, and one that is misspelled.
WATCHED = ("MaxValue_RBV", "MinValue_RBV", "MeanValue_RBV", "Waveform_RBV", "MaxVale")


def environment() -> dict[str, str]:
    """For server and client, without a screen."""
    port = free_port()
    return {
        **server_environment(port),
        **client_environment(port),
        "EPICS_CLI_TIMEOUT": str(SECONDS),
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "PYTHONPATH": f"{ROOT / 'src'}:{ROOT / 'examples'}",
        "PYTHONUNBUFFERED": "1",
        "QT_QPA_PLATFORM": "offscreen",
    }


@contextlib.contextmanager
def running(command: str, env: dict[str, str]) -> Iterator[subprocess.Popen[str]]:
    """A program that ends at Ctrl-C."""
    process = subprocess.Popen(
        command.split(),
        cwd=ROOT,
        env=env,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        yield process
    finally:
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=SECONDS)


def first_lines(process: subprocess.Popen[str], count: int) -> list[str]:
    assert process.stdout is not None
    return [process.stdout.readline().rstrip("\n") for _ in range(count)]


def run(python: Path, *arguments: object, env: dict[str, str], text: str = "") -> None:
    subprocess.run(
        [python, *map(str, arguments)],
        env=env,
        input=text,
        text=True,
        check=True,
        timeout=SECONDS,
    )


def terminal_session(env: dict[str, str]) -> str:
    """What a terminal shows of the commands above."""
    with running(SERVE, env) as server:
        lines = [f"$ {SERVE} &", *first_lines(server, 1)]
        for command, count in SESSION:
            lines.append(f"$ {command}")
            if count is None:
                done = subprocess.check_output(
                    command.split(), cwd=ROOT, env=env, text=True, timeout=SECONDS
                )
                lines += done.splitlines()
                continue
            with running(command, env) as process:
                lines += [*first_lines(process, count), "^C"]
    return "\n".join(lines)


def top(folder: Path) -> None:
    """What `pcaspy top` shows of the server while clients watch it and search."""
    with tempfile.TemporaryDirectory() as runtime:
        env = {**environment(), "XDG_RUNTIME_DIR": runtime}
        watched = " ".join(f"{SCOPE}{name}" for name in WATCHED)
        with contextlib.ExitStack() as stack:
            server = stack.enter_context(running(SERVE, env))
            first_lines(server, 1)
            for names in (watched, f"{SCOPE}MaxValue_RBV", f"{SCOPE}Waveform"):
                stack.enter_context(running(f"aioca monitor {names}", env))
            drawing = [HERE / "draw_top.py", "oscilloscope", SCOPE]
            run(Path(sys.executable), *drawing, folder / "top.svg", env=env)


def main(folder: Path = HERE) -> None:
    """Writes the four pictures into a folder."""
    top(folder)
    window, panel = peer_python("gui"), peer_python("pydm")
    scope = ROOT / "examples" / "scope_gui.py"
    run(window, scope, "--screenshot", folder / "oscilloscope.png", env=environment())

    env = environment()
    text = terminal_session(env)
    drawing = HERE / "draw_terminal.py"
    run(window, drawing, folder / "terminal.png", env=env, text=text)

    with running(SERVE, env) as server:
        first_lines(server, 1)
        side = ROOT / "tests" / "whole" / "gui" / "panel_side.py"
        ui = ROOT / "examples" / "panels" / "scope.ui"
        run(panel, side, ui, folder / "panel.png", env=env)


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
