"""One process writes a state file: the one that holds the lock of FILE.lock."""

from __future__ import annotations

import contextlib
import os
import sys

if sys.platform == "win32":
    import msvcrt

    def _try_lock(descriptor: int) -> None:
        """Raises OSError while another one has it."""
        os.lseek(descriptor, 0, os.SEEK_SET)
        msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)

else:
    import fcntl

    def _try_lock(descriptor: int) -> None:
        """Raises OSError while another one has it."""
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)


class BusyError(OSError):
    """Another server holds the lock."""


class Lock:
    """The lock, which ends with the process at the latest.

    Args:
        path: The file, which stays when the lock is released: if it were removed, two
            processes could hold locks of two files of that name.
    """

    def __init__(self, path: str) -> None:
        self._path = path
        self._descriptor: int | None = None

    @property
    def held(self) -> bool:
        """This process has it."""
        return self._descriptor is not None

    def acquire(self) -> None:
        """Takes it, unless it is held already.

        Raises:
            BusyError: Another server has it.
            OSError: The file cannot be made.
        """
        if self.held:
            return
        descriptor = self._open()
        try:
            _try_lock(descriptor)
        except OSError:
            owner = _owner(descriptor)
            os.close(descriptor)
            raise BusyError(owner) from None
        self._descriptor = descriptor
        # A file of another user cannot be written: it says nothing of its owner then.
        with contextlib.suppress(OSError):
            os.ftruncate(descriptor, 0)
            os.lseek(descriptor, 0, os.SEEK_SET)
            os.write(descriptor, b" %d\n" % os.getpid())

    def was_removed(self) -> bool:
        """It is held, but another process can have one of a file of that name."""
        if self._descriptor is None:
            return False
        try:
            ours, there = os.fstat(self._descriptor), os.stat(self._path)
        except OSError:
            return True
        return (ours.st_dev, ours.st_ino) != (there.st_dev, there.st_ino)

    def _open(self) -> int:
        flags = getattr(os, "O_NOFOLLOW", 0)
        try:
            return os.open(self._path, os.O_RDWR | os.O_CREAT | flags, 0o644)
        except PermissionError:  # another user's
            return os.open(self._path, os.O_RDONLY | flags)

    def release(self) -> None:
        """Lets others have it; in the child of a fork, the parent's stays held."""
        descriptor, self._descriptor = self._descriptor, None
        if descriptor is not None:
            os.close(descriptor)


def _owner(descriptor: int) -> str:
    text = b""
    with contextlib.suppress(OSError):
        os.lseek(descriptor, 0, os.SEEK_SET)
        text = os.read(descriptor, 20).strip()
    if not text.isdigit():
        return "another server"
    if int(text) == os.getpid():
        return "another server of this process"
    return f"the server in process {int(text)}"
