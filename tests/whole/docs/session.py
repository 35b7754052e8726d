"""A page as its reader works through it: files are written, commands are typed.

All happens in one empty folder, with the commands of this environment, one shell, and
EPICS settings for a server and a client on loopback and a free port.
"""

from __future__ import annotations

import contextlib
import doctest
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from blocks import Block

from support.environment import client_environment, server_environment
from support.ports import free_port

ROOT = Path(__file__).parents[3]
SECONDS = 40.0
_MARK = "--- done ---"
# What a notebook does with its cells, which come as JSON.
_NOTEBOOK = """
import ast, asyncio, inspect, json, sys

async def run(cells, names):
    for cell in cells:
        code = compile(cell, "cell", "exec", ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
        result = eval(code, names)
        if inspect.isawaitable(result):
            await result

asyncio.run(run(json.load(sys.stdin), {"__name__": "__main__"}))
"""
_FLAGS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE


class Session:
    """One reader.

    Args:
        folder: Where the reader works; ``examples`` in it are those of the project.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "examples").symlink_to(ROOT / "examples")
        port = free_port()
        self.env = {
            **server_environment(port),
            **client_environment(port),
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
            "HOME": str(folder),
            "XDG_RUNTIME_DIR": str(folder),
            # The second: what a plugin of pytest says to a project without settings.
            "PYTHONWARNINGS": "error,ignore:The configuration option",
            "PYTHONUNBUFFERED": "1",
        }
        self._errors = (folder / ".stderr").open("w+")
        self._shell = subprocess.Popen(
            ["bash"],
            cwd=folder,
            env=self.env,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            text=True,
            start_new_session=True,
        )

    def write(self, block: Block) -> None:
        """Makes the file that a block shows."""
        (self.folder / block.file).write_text(block.text, encoding="utf-8")

    def type(self, block: Block) -> None:
        """Types the commands behind ``$`` and compares what they print."""
        for command, expected in _commands(block.text):
            if command.startswith("make "):
                self._dry(command)
                continue
            printed = self._run(command)
            if not doctest.OutputChecker().check_output(expected, printed, _FLAGS):
                raise AssertionError(
                    f"line {block.line}: {command}\nexpected:\n{expected}"
                    f"got:\n{printed}errors:\n{self.errors()}"
                )

    def _dry(self, command: str) -> None:
        """What takes minutes in the project's own folder: whether make knows it."""
        done = subprocess.run(
            command.replace("make", "make --dry-run", 1),
            shell=True,
            cwd=ROOT,
            # Not those of a `make test` that this may be part of.
            env={k: v for k, v in os.environ.items() if not k.startswith("MAKE")},
            capture_output=True,
            text=True,
            timeout=SECONDS,
        )
        assert done.returncode == 0, f"{command}\n{done.stderr}"

    def python(self, block: Block) -> None:
        """Runs a block as a program of its own."""
        ended = subprocess.run(
            [sys.executable, "-"],
            input=block.text,
            cwd=self.folder,
            env=self.env,
            capture_output=True,
            text=True,
            timeout=SECONDS,
        )
        assert ended.returncode == 0, f"line {block.line}:\n{ended.stderr}"

    def notebook(self, cells: list[Block]) -> None:
        """Runs blocks as the cells of one notebook: `await` works in each of them."""
        ended = subprocess.run(
            [sys.executable, "-c", _NOTEBOOK],
            input=json.dumps([cell.text for cell in cells]),
            cwd=self.folder,
            env=self.env,
            capture_output=True,
            text=True,
            timeout=SECONDS,
        )
        assert ended.returncode == 0, f"line {cells[0].line}:\n{ended.stderr}"

    def _run(self, command: str) -> str:
        assert self._shell.stdin is not None
        assert self._shell.stdout is not None
        if command.endswith("&"):  # what it prints would come at any time
            command = command[:-1] + ">>.background &"
        # A command that is to fail shows its status: `$ command; echo $?`
        self._shell.stdin.write(f"{command}\necho '{_MARK}' $?\n")
        self._shell.stdin.flush()
        lines = []
        for line in self._shell.stdout:
            if line.startswith(_MARK):
                status = line.removeprefix(_MARK).strip()
                assert status == "0", f"{command}: status {status}\n{self.errors()}"
                return "".join(lines)
            lines.append(line)
        raise AssertionError(f"the shell ended at: {command}\n{self.errors()}")

    def errors(self) -> str:
        """All that was written to standard error."""
        self._errors.flush()
        return (self.folder / ".stderr").read_text(errors="replace")

    def in_background(self) -> str:
        """All that commands in the background have printed."""
        return (self.folder / ".background").read_text(errors="replace")

    def close(self) -> None:
        """Ends the shell and everything that it has left in the background."""
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGKILL):
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._shell.pid, number)
            deadline = time.monotonic() + 2
            while _group_lives(self._shell.pid) and time.monotonic() < deadline:
                self._shell.poll()
                time.sleep(0.02)
        self._shell.wait(SECONDS)
        for stream in (self._shell.stdin, self._shell.stdout, self._errors):
            with contextlib.suppress(BrokenPipeError):
                stream.close()


def _group_lives(group: int) -> bool:
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    return True


def _commands(text: str) -> Iterator[tuple[str, str]]:
    """Each command with what it is to print."""
    command = ""
    expected: list[str] = []
    for line in text.splitlines():
        if line.startswith("$ "):
            if command:
                yield command, "".join(expected)
            command, expected = line[2:], []
        else:
            expected.append(line + "\n")
    if command:
        yield command, "".join(expected)
