"""A state file on disk: read, with its backup if it is damaged, and replaced as one.

FILE.tmp is written, synchronized and renamed to FILE. FILE.bak is what FILE was before,
FILE.lock is locked by who writes, and FILE.damaged is what could not be read.
"""

from __future__ import annotations

import contextlib
import errno
import os
import stat
import time
from collections.abc import Iterable
from typing import NamedTuple

from .format import (
    EPICS_EPOCH,
    FIRST,
    Entry,
    NewerVersionError,
    Parsed,
    parse,
    stamp_text,
    whole,
)
from .lock import Lock

_DAMAGED = 10  # copies of damaged files that are kept
_LOOKED_AT = 4096  # bytes in which a state file says that it is one

_Identity = tuple[int, int, int]


class UnusableError(Exception):
    """The file must not be replaced; the text says why."""


class Contents(NamedTuple):
    """What the file, or what is used instead, has."""

    lines: dict[str, bytes]  # by the PV's name
    entries: dict[str, Entry]
    notes: list[str]  # what is wrong with it


class StateFile:
    """One state file. One thread at a time uses it.

    Args:
        path: Its name. A symbolic link is followed once, here.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = os.path.realpath(path)
        self.lock = Lock(self.path + ".lock")
        self._ours: _Identity | None = None  # what was read, or written last, is intact
        self._keep_aside = False
        self._open: set[int] = set()  # descriptors of what is being written

    def exists(self) -> bool:
        """There is something of that name, or was."""
        return os.path.lexists(self.path) or os.path.lexists(self.path + ".bak")

    def forget(self) -> None:
        """In the child of a fork: the file is the parent's."""
        self.lock.release()
        for descriptor in self._open:
            os.close(descriptor)
        self._open.clear()

    # ---- reading ----

    def load(self) -> Contents:
        """What is in the file, or in its backup if it is damaged or missing.

        Raises:
            UnusableError: It cannot be read, or is of a later version, or is no such
                file.
        """
        self._keep_aside = False
        main, identity = self._read(self.path)
        if main is not None and main.damaged is None:
            self._ours = identity
            return Contents(main.lines, main.entries, [])
        backup = self._backup()
        if main is None:
            return self._instead("is missing", backup, None)
        self._keep_aside = identity is not None and identity[1] > 0
        return self._instead("is damaged", backup, main)

    def _backup(self) -> Parsed | None:
        try:
            return self._read(self.path + ".bak")[0]
        except UnusableError:
            return None

    def _instead(
        self, what: str, backup: Parsed | None, main: Parsed | None
    ) -> Contents:
        if backup is not None and backup.damaged is None:
            note = f"{what}: its backup {self.path}.bak is used"
            return Contents(backup.lines, backup.entries, [note])
        parts = [part for part in (backup, main) if part is not None]
        lines = {name: line for part in parts for name, line in part.lines.items()}
        entries = {name: e for part in parts for name, e in part.entries.items()}
        if not parts or (not lines and not self._keep_aside):
            return Contents({}, {}, [])  # there is none, or it is empty
        note = f"{what}, and there is no backup: {len(lines)} intact lines are used"
        return Contents(lines, entries, [note])

    def _read(self, path: str) -> tuple[Parsed | None, _Identity | None]:
        """What is in a file; None if it does not exist."""
        try:
            # A pipe must not be opened: that waits.
            if not stat.S_ISREG(os.stat(path).st_mode):
                raise UnusableError("is no regular file")
            with open(path, "rb") as file:
                identity = _identity(os.fstat(file.fileno()))
                start = file.read(_LOOKED_AT)
                if not self._may_be_ours(start):
                    raise UnusableError("is no state file")
                data = start + file.read()
        except FileNotFoundError:
            return None, None
        except OSError as error:
            raise UnusableError(f"cannot be read: {reason(error)}") from None
        try:
            return parse(data), identity
        except NewerVersionError as error:
            raise UnusableError(
                f"is of another version of this program: {error}"
            ) from None

    def _may_be_ours(self, start: bytes) -> bool:
        """It begins as a state file does, or there is something that explains why not.

        The wrong file must never be replaced.
        """
        if start.startswith(FIRST) or not start.strip(b"\0"):
            return True
        if b'{"pv":"' in start:
            return True
        try:
            with open(self.path + ".bak", "rb") as backup:
                return backup.read(len(FIRST)) == FIRST
        except OSError:
            return False

    # ---- writing ----

    def write(self, lines: Iterable[bytes]) -> list[str]:
        """Replaces what is in the file. The lock must be held.

        Returns:
            What is worth a warning, though it succeeded.

        Raises:
            OSError: It cannot; the file and its backup are as before.
        """
        new = self.path + ".tmp"
        saved = stamp_text(int(time.time()) - EPICS_EPOCH, 0)
        old = self._old()
        try:
            _remove(new)
            identity = self._write(new, whole(lines, saved), old)
            notes = self._keep(old)
            os.replace(new, self.path)
        except BaseException:
            with contextlib.suppress(OSError):
                _remove(new)
            raise
        self._ours, self._keep_aside = identity, False
        _sync_folder(os.path.dirname(self.path))
        return notes

    def _old(self) -> os.stat_result | None:
        """What is there, and may be replaced."""
        try:
            old = os.stat(self.path)
        except FileNotFoundError:
            return None
        if not stat.S_ISREG(old.st_mode):
            raise OSError(errno.EISDIR, "it is no regular file")
        if not os.access(self.path, os.W_OK):
            raise PermissionError(errno.EACCES, "it is not writable")
        return old

    def _write(self, path: str, data: bytes, old: os.stat_result | None) -> _Identity:
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
        descriptor = os.open(path, flags, 0o666)
        self._open.add(descriptor)
        try:
            if old is not None and hasattr(os, "fchown"):  # not on Windows
                # Whoever could read and write it still can.
                with contextlib.suppress(OSError):
                    os.fchown(descriptor, old.st_uid, old.st_gid)
                os.fchmod(descriptor, stat.S_IMODE(old.st_mode))
            rest = memoryview(data)
            while rest:
                rest = rest[os.write(descriptor, rest) :]
            os.fsync(descriptor)
            return _identity(os.fstat(descriptor))
        finally:
            self._open.discard(descriptor)
            os.close(descriptor)

    def _keep(self, old: os.stat_result | None) -> list[str]:
        """Keeps what is replaced: as the backup if it is intact, else aside."""
        if old is None or not old.st_size:
            return []
        if self._ours is not None and _identity(old) == self._ours:
            self._link(self.path + ".bak")
            return []
        aside = self._free_name()
        known = self._keep_aside
        self._link(aside)
        what = "the damaged one" if known else "what another program has made of it"
        return [f"{what} is kept as {aside}"]

    def _free_name(self) -> str:
        names = [self.path + ".damaged"]
        names += [f"{names[0]}.{n}" for n in range(1, _DAMAGED)]
        return next((name for name in names if not os.path.lexists(name)), names[-1])

    def _link(self, kept: str) -> None:
        """Makes `kept` another name of the file, in place of what had that name."""
        between = self.path + ".old"
        _remove(between)
        try:
            os.link(self.path, between)
        except OSError:  # a file system without: there is a moment without the file
            os.replace(self.path, kept)
            return
        os.replace(between, kept)
        # Had both been names of one file, it would still be there.
        _remove(between)


def reason(error: OSError) -> str:
    """Why something failed, in the words of the operating system."""
    return error.strerror or str(error)


def _identity(status: os.stat_result) -> _Identity:
    return status.st_ino, status.st_size, status.st_mtime_ns


def _remove(path: str) -> None:
    with contextlib.suppress(FileNotFoundError):
        os.unlink(path)


def _sync_folder(folder: str) -> None:
    """Makes a new name last; where a folder cannot be opened there is nothing to do."""
    try:
        descriptor = os.open(folder, os.O_RDONLY)
    except OSError:
        return
    try:
        with contextlib.suppress(OSError):
            os.fsync(descriptor)
    finally:
        os.close(descriptor)
