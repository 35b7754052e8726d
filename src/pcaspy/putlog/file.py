"""Puts in a file or a pipe, a line of JSON each; full files are renamed."""

from __future__ import annotations

import contextlib
import os
import stat
import time
from pathlib import Path

from ..native._put_log import Put
from .line import json_line
from .target import Tally, Trouble, puts_in

_PATIENCE = 1.0  # seconds until a file that cannot be opened is tried again
_PAUSE = 0.01  # seconds until a pipe may have room again
_MODE = os.O_WRONLY | os.O_APPEND | os.O_CREAT
for _flag in ("O_CLOEXEC", "O_NONBLOCK", "O_BINARY"):  # where they exist
    _MODE |= getattr(os, _flag, 0)


class ToFile:
    """Appends whole lines; a line that does not fit on the disk is not begun.

    Something else may rename the file: the next lines go to a new one. A pipe that is
    full gets the rest of a line that it has begun before it gets another one.
    """

    def __init__(self, path: Path, max_bytes: int, backups: int, tally: Tally) -> None:
        self._path, self._most, self._backups = path, max_bytes, backups
        self._tally = tally
        self._trouble = Trouble(f"put log {path}")
        self._file: int | None = None
        self._next_try = 0.0
        self._lines: list[tuple[bytes, int]] = []  # with how many puts they stand for
        self._torn = False  # the file ends in the middle of a line
        self._rest = b""  # of a line, for a pipe
        self._full = max_bytes  # the size at which the file is renamed

    def write(self, put: Put, lost: int) -> bool:
        """The line is in the file after the next `pump`."""
        line = json_line(put, lost).encode() + b"\n"
        self._lines.append((line, puts_in(put)))
        return True

    def pump(self) -> float:
        """Writes all lines at once."""
        if not self._lines:
            return 1.0
        lines, self._lines = self._lines, []
        written = 0
        try:
            written = self._append(b"".join(line for line, _ in lines))
            self._trouble.ends()
        except OSError as error:
            written = getattr(error, "written", 0)
            full = isinstance(error, BlockingIOError)
            why = "its reader does not read" if full else error.strerror or error
            self._trouble.begins(why)
        for line, puts in lines:
            written -= len(line)
            if written >= 0:
                self._tally.count_written(puts)
            else:
                self._tally.count_dropped(puts)
        return 1.0

    def _append(self, data: bytes) -> int:
        file = self._open()
        status = os.fstat(file)
        if not stat.S_ISREG(status.st_mode):
            return self._stream(file, data)
        size = status.st_size
        if size and size + len(data) > self._full:
            self._rename()
            file = self._open()
            size = os.fstat(file).st_size
        if self._torn:
            os.write(file, b"\n")
            self._torn = False
            size += 1
        done = 0
        while done < len(data):
            try:
                done += os.write(file, data[done:])
            except OSError as error:
                error.written = self._end_line(file, size, data[:done])  # type: ignore[attr-defined]
                raise
        return done

    def _stream(self, file: int, data: bytes) -> int:
        """To what takes as much as it has room for, and cannot take it back."""
        done = 0
        try:
            while self._rest:
                self._rest = self._rest[os.write(file, self._rest) :]
            while done < len(data):
                done += os.write(file, data[done:])
        except BrokenPipeError:  # what it holds goes with it
            self._close_file()
            raise
        except OSError as error:
            whole = data.find(b"\n", done - 1) + 1 if done else 0
            self._rest = self._rest or data[done:whole]
            error.written = whole  # type: ignore[attr-defined]
            raise
        return done

    def _end_line(self, file: int, size: int, data: bytes) -> int:
        """Takes back the part of a line at the end of `data`; what is left of that."""
        whole = data.rfind(b"\n") + 1
        if whole < len(data):
            self._torn = True
            with contextlib.suppress(OSError):
                # Unless another process has written behind it.
                if os.fstat(file).st_size == size + len(data):
                    os.ftruncate(file, size + whole)
                    self._torn = False
        return whole

    def _open(self) -> int:
        if self._file is not None:
            with contextlib.suppress(OSError):
                here, there = os.fstat(self._file), os.stat(self._path)
                if (here.st_ino, here.st_dev) == (there.st_ino, there.st_dev):
                    return self._file
            self._close_file()
        now = time.monotonic()
        if now < self._next_try:
            raise OSError("it cannot be opened")
        self._next_try = now + _PATIENCE
        self._file = os.open(self._path, _MODE, 0o666)
        self._next_try = 0.0
        self._torn = False
        return self._file

    def _rename(self) -> None:
        """The file becomes the first of the old ones."""
        self._close_file()
        try:
            for number in range(self._backups - 1, 0, -1):
                with contextlib.suppress(FileNotFoundError):
                    os.replace(self._numbered(number), self._numbered(number + 1))
            if self._backups:
                os.replace(self._path, self._numbered(1))
            else:
                os.unlink(self._path)
            self._full = self._most
        except OSError as error:
            self._trouble.begins(f"it cannot be renamed: {error.strerror}")
            self._full += self._most  # until then it grows

    def _numbered(self, number: int) -> str:
        return f"{self._path}.{number}"

    def _close_file(self) -> None:
        file, self._file, self._rest = self._file, None, b""
        if file is not None:
            os.close(file)

    def close(self, seconds: float) -> None:
        """All lines are written, but the rest of one in a pipe."""
        end = time.monotonic() + seconds
        with contextlib.suppress(OSError):
            while self._rest and self._file is not None and time.monotonic() < end:
                with contextlib.suppress(BlockingIOError):
                    self._stream(self._file, b"")
                time.sleep(_PAUSE)
        self._close_file()

    def forget(self) -> None:
        """What its lines say the parent writes."""
        self._close_file()
