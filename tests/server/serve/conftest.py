"""The command `pcaspy` as a child process, and a client of what it serves."""

import contextlib
import os
import queue
import signal
import subprocess
import sys
import textwrap
import threading
import time

import pytest

from support.environment import server_environment, without_epics
from support.epics_client import EpicsClient
from support.ports import free_port

SECONDS = 20.0


class Command:
    """A running `pcaspy serve`; a thread collects the lines that it prints."""

    def __init__(self, *arguments, env):
        self._process = subprocess.Popen(
            [sys.executable, "-m", "pcaspy", *map(str, arguments)],
            env=env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.pid = self._process.pid
        self.out = queue.SimpleQueue()
        self.err = queue.SimpleQueue()
        self._readers = [
            threading.Thread(target=self._collect, args=(stream, lines), daemon=True)
            for stream, lines in (
                (self._process.stdout, self.out),
                (self._process.stderr, self.err),
            )
        ]
        for reader in self._readers:
            reader.start()

    @staticmethod
    def _collect(stream, lines):
        with stream:
            for line in stream:
                lines.put(line)

    @staticmethod
    def line_with(lines, text):
        """The first line, of those not looked at yet, in which `text` is."""
        passed = []
        deadline = time.monotonic() + SECONDS
        while True:
            try:
                line = lines.get(timeout=max(deadline - time.monotonic(), 0))
            except queue.Empty:
                raise AssertionError(f"{text!r} is not in {passed}") from None
            passed.append(line)
            if text in line:
                return line

    def signal(self, number):
        self._process.send_signal(number)

    def wait(self):
        """Exit status, and the rest of what was printed on both streams."""
        status = self._process.wait(SECONDS)
        for reader in self._readers:
            reader.join(SECONDS)
        return status, _rest(self.out), _rest(self.err)

    def close(self):
        with contextlib.suppress(ProcessLookupError):
            self._process.kill()
        self._process.wait(SECONDS)
        for reader in self._readers:
            reader.join(SECONDS)


def _rest(lines):
    found = []
    while not lines.empty():
        found.append(lines.get())
    return "".join(found)


@pytest.fixture
def port():
    return free_port()


@pytest.fixture
def file(tmp_path):
    """Writes a definition; returns its path."""

    def write(name, text):
        path = tmp_path / name
        new = tmp_path / f"{name}.new"
        new.write_text(textwrap.dedent(text))
        os.replace(new, path)  # a server that looks never sees half of it
        return path

    return write


@pytest.fixture
def serve(port):
    """Starts `pcaspy serve` and waits until it serves; ends it with SIGTERM."""
    commands = []

    def start(*arguments):
        commands.append(Command("serve", *arguments, env=server_environment(port)))
        commands[-1].line_with(commands[-1].out, "serving")
        return commands[-1]

    yield start
    try:
        for command in commands:
            command.signal(signal.SIGTERM)
            assert command.wait()[0] == 0
    finally:
        for command in commands:
            command.close()


@pytest.fixture
def run():
    """Runs `pcaspy` to its end: status, standard output, standard error."""

    def run_command(*arguments, env=None):
        done = subprocess.run(
            [sys.executable, "-m", "pcaspy", *map(str, arguments)],
            env=env or without_epics(),
            capture_output=True,
            text=True,
            timeout=SECONDS,
        )
        return done.returncode, done.stdout, done.stderr

    return run_command


@pytest.fixture
def client(port):
    with EpicsClient(port) as client:
        yield client
