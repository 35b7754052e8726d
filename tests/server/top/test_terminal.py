"""`pcaspy top` as it is started, in a terminal of its own."""

from __future__ import annotations

import errno
import fcntl
import os
import pty
import select
import signal
import struct
import subprocess
import sys
import termios
import time

import pytest

from pcaspy.__main__ import main
from support.control_server import pv_row

SECONDS = 50.0  # only so that nothing hangs
ALTERNATE, BACK = b"\x1b[?1049h", b"\x1b[?1049l"


class Terminal:
    """A pseudo-terminal and the command that runs on it."""

    def __init__(self, *arguments, lines=(100, 30), **env):
        self.master, slave = pty.openpty()
        size = struct.pack("HHHH", lines[1], lines[0], 0, 0)
        fcntl.ioctl(slave, termios.TIOCSWINSZ, size)
        self.before = termios.tcgetattr(slave)
        self._slave = slave
        self.printed = b""
        self.process = subprocess.Popen(
            [sys.executable, "-m", "pcaspy", "top", *arguments],
            stdin=slave,
            stdout=slave,
            stderr=slave,
            env={**os.environ, "TERM": "xterm-256color", **env},
            start_new_session=True,
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),
        )

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        os.close(self._slave)
        os.close(self.master)

    def read(self):
        """What is printed now."""
        ready, _, _ = select.select([self.master], [], [], 0.05)
        if ready:
            try:
                self.printed += os.read(self.master, 65536)
            except OSError as error:  # the other side is closed
                if error.errno != errno.EIO:
                    raise

    def until(self, condition):
        """Reads until something is so."""
        deadline = time.monotonic() + SECONDS
        while not condition():
            assert time.monotonic() < deadline, self.printed.decode(errors="replace")
            self.read()

    def shows(self, *texts):
        self.until(lambda: all(text.encode() in self.printed for text in texts))

    def press(self, keys):
        os.write(self.master, keys.encode())

    def ends(self):
        """Waits for the end; returns the status."""
        self.until(lambda: self.process.poll() is not None)
        for _ in range(3):
            self.read()
        return self.process.returncode

    def settings(self):
        return termios.tcgetattr(self._slave)


@pytest.fixture
def server(serve):
    return serve(pvs=[pv_row("axis:position", 2.5)])


@pytest.mark.parametrize("key", ["q", "\x03"])
def test_shows_a_pv_and_leaves_the_terminal_as_it_was(server, key):
    with Terminal() as terminal:
        terminal.shows("axis:position", "PID 4321")
        assert terminal.settings() != terminal.before
        terminal.press(key)
        assert terminal.ends() == 0
        assert terminal.settings() == terminal.before
        assert terminal.printed.index(ALTERNATE) < terminal.printed.rindex(BACK)
        left = terminal.printed[terminal.printed.rindex(BACK) :]
        assert b"Traceback" not in left
        assert b"\x1b[?25h" in left  # the cursor
        for mode in (b"1000", b"1003", b"2004"):  # mouse and paste
            modes = terminal.printed
            on, off = b"\x1b[?" + mode + b"h", b"\x1b[?" + mode + b"l"
            assert modes.rindex(off) > modes.rindex(on)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_it_as_q_does(server, number):
    with Terminal("axis") as terminal:
        terminal.shows("axis:position")
        terminal.process.send_signal(number)
        assert terminal.ends() == 0
        assert terminal.settings() == terminal.before
        assert BACK in terminal.printed


def test_ends_while_the_server_is_stalled(server):
    with Terminal() as terminal:
        terminal.shows("axis:position")
        server.going.clear()
        terminal.shows("no answer for")
        terminal.press("qqjj\r")
        assert terminal.ends() == 0
        assert terminal.settings() == terminal.before
        assert b"Traceback" not in terminal.printed


def test_a_terminal_without_colours(server):
    with Terminal(TERM="dumb", NO_COLOR="1", lines=(40, 10)) as terminal:
        terminal.shows("axis:position")
        terminal.press("q")
        assert terminal.ends() == 0
        assert b"\x1b[38;2;" not in terminal.printed


def test_what_is_typed_ahead_is_not_lost(server):
    with Terminal() as terminal:
        terminal.press("q")
        assert terminal.ends() == 0
        assert terminal.settings() == terminal.before


def run(*arguments, **options):
    """The command without a terminal."""
    return subprocess.run(
        [sys.executable, "-m", "pcaspy", "top", *arguments],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        **options,
    )


def test_needs_a_terminal(server):
    done = run()
    assert (done.returncode, done.stdout) == (1, "")
    assert "needs a terminal" in done.stderr


def test_no_server(runtime):
    done = run()
    assert (done.returncode, done.stdout) == (1, "")


@pytest.mark.parametrize("interval", ["0", "-1", "nan", "x", "1e9"])
def test_an_interval_that_is_none(interval, capsys):
    with pytest.raises(SystemExit) as ended:
        main(["top", "--interval", interval])
    assert ended.value.code == 2
    assert "is not from 0.1 to 3600 seconds" in capsys.readouterr().err


def test_without_textual_it_says_what_to_install(server, tmp_path):
    """And none of the other commands needs it."""
    (tmp_path / "textual.py").write_text("raise ModuleNotFoundError('textual')\n")
    env = {**os.environ, "PYTHONPATH": str(tmp_path)}
    done = run(env=env)
    assert done.returncode == 1
    assert "pip install 'pcaspy[top]'" in done.stderr
    done = subprocess.run(
        [sys.executable, "-m", "pcaspy", "--version"], env=env, capture_output=True
    )
    assert done.returncode == 0
