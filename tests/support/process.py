"""A script as a child process: ready line, JSON commands, collected stderr, clean end.

The child prints `READY {...}` once, answers each JSON line on its standard input with
`ANSWER {...}`, and ends when its standard input closes.
"""

from __future__ import annotations

import json
import os
import queue
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Mapping, Sequence
from typing import Any

START_SECONDS = 120.0
ANSWER_SECONDS = 15.0
STOP_SECONDS = 10.0


class ChildError(AssertionError):
    """The child ended, stayed silent or answered with a failure."""


class Child:
    """One child process that speaks the protocol of this module.

    A reader thread collects its lines; everything else runs in the test's thread.
    """

    def __init__(self, argv: Sequence[str], env: Mapping[str, str]) -> None:
        self.argv = list(argv)
        self.ready: dict[str, Any] = {}
        self._stderr = tempfile.TemporaryFile(mode="w+")
        self._process = subprocess.Popen(
            self.argv,
            env=dict(env),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._stderr,
            text=True,
        )
        self._lines: queue.SimpleQueue[str | None] = queue.SimpleQueue()
        self._reader = threading.Thread(target=self._read_lines, daemon=True)
        self._reader.start()
        try:
            self.ready = self._wait_for("READY", START_SECONDS)
        except ChildError:
            self.stop()
            raise

    @classmethod
    def python(cls, *argv: str, env: Mapping[str, str]) -> Child:
        """A child that runs this interpreter."""
        return cls([sys.executable, *argv], env)

    def __enter__(self) -> Child:
        return self

    def __exit__(self, *_exc: object) -> None:
        self.stop()

    @property
    def pid(self) -> int:
        """Process id, also after the end."""
        return self._process.pid

    def alive(self) -> bool:
        """Whether the process still runs."""
        return self._process.poll() is None

    def resident_bytes(self) -> int:
        """Memory of the process that is in RAM."""
        with open(f"/proc/{self.pid}/statm") as statm:
            return int(statm.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")

    def descriptors(self) -> int:
        """How many it has open."""
        return len(os.listdir(f"/proc/{self.pid}/fd"))

    def cpu_seconds(self) -> float:
        """User and system time of the process."""
        with open(f"/proc/{self.pid}/stat") as stat:
            fields = stat.read().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def ask(self, _seconds: float = ANSWER_SECONDS, /, **command: Any) -> Any:
        """Send one command and return the `result` of its answer."""
        self.tell(**command)
        return self.answer(_seconds)

    def tell(self, **command: Any) -> None:
        """Send one command without waiting; `answer` collects the answers in order."""
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(json.dumps(command) + "\n")
            self._process.stdin.flush()
        except OSError as error:
            raise ChildError(self._story(f"cannot be told {command}")) from error

    def answer(self, seconds: float = ANSWER_SECONDS) -> Any:
        """The next answer's result.

        Raises:
            ChildError: The child reported an error, ended or said nothing in time.
        """
        answer = self._wait_for("ANSWER", seconds)
        if "error" in answer:
            raise ChildError(self._story(answer["error"]))
        return answer["result"]

    def stderr(self) -> str:
        """What the child has written to standard error so far."""
        # pread would be shared with the child's offset: open the text by position.
        self._stderr.flush()
        with open(f"/proc/self/fd/{self._stderr.fileno()}", errors="replace") as text:
            return text.read()

    def kill(self) -> None:
        """End the process as kill -9 does."""
        self._process.kill()
        self._process.wait(STOP_SECONDS)

    def stop(self) -> int:
        """End the process through its standard input; force it if it does not."""
        if self._stderr.closed:
            return self._process.returncode
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        try:
            self._process.stdin.close()
        except OSError:
            pass  # it is gone already
        try:
            self._process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.kill()
        self._reader.join(STOP_SECONDS)
        self._process.stdout.close()
        self._stderr.close()
        return self._process.returncode

    def _read_lines(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self._lines.put(line)
        self._lines.put(None)

    def _wait_for(self, word: str, seconds: float) -> dict[str, Any]:
        deadline = time.monotonic() + seconds
        while True:
            try:
                line = self._lines.get(timeout=max(0.0, deadline - time.monotonic()))
            except queue.Empty:
                raise ChildError(self._story(f"no {word} in {seconds} s")) from None
            if line is None:
                self._process.wait(STOP_SECONDS)
                raise ChildError(self._story(f"ended before {word}"))
            if line.startswith(word + " "):
                found: dict[str, Any] = json.loads(line[len(word) :])
                return found

    def _story(self, what: str) -> str:
        code = self._process.poll()
        return (
            f"{' '.join(self.argv)}: {what} (exit status {code})\n"
            f"--- its stderr ---\n{self.stderr()[-4000:]}"
        )
