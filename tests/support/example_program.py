"""One program of examples/ as a child process."""

from __future__ import annotations

import contextlib
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

EXAMPLES = Path(__file__).parents[2] / "examples"
STOP_SECONDS = 10.0


class Program:
    """A running example; what it prints goes to a file and is read at the end."""

    def __init__(
        self, name: str, *argv: str, env: dict[str, str], python: str = sys.executable
    ) -> None:
        self._output = tempfile.TemporaryFile(mode="w+")
        self._process = subprocess.Popen(
            [python, str(EXAMPLES / f"{name}.py"), *argv],
            env=env,
            stdin=subprocess.DEVNULL,
            stdout=self._output,
            stderr=subprocess.STDOUT,
        )

    def interrupt(self) -> None:
        """Send what Ctrl-C sends."""
        self._process.send_signal(signal.SIGINT)

    def wait(self, seconds: float = STOP_SECONDS) -> tuple[int, str]:
        """Exit status and everything printed, once the program has ended.

        Raises:
            subprocess.TimeoutExpired: It has not ended in time.
        """
        status = self._process.wait(seconds)
        self._output.seek(0)
        return status, self._output.read()

    def close(self) -> None:
        """Release everything, whatever state it is in."""
        with contextlib.suppress(ProcessLookupError):
            self._process.kill()
        self._process.wait(STOP_SECONDS)
        self._output.close()
