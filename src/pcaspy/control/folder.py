"""Where the control sockets of a user are, and who may put one there."""

from __future__ import annotations

import contextlib
import os
import re
import socket
import stat
from pathlib import Path

SUPPORTED = hasattr(socket, "AF_UNIX") and hasattr(os, "getuid")
WHY_NOT = "control needs Unix sockets, which this system does not have"

_NAME = re.compile(r"([1-9][0-9]{0,9})-([1-9][0-9]{0,5})\.sock")


def folder() -> Path:
    """The folder of this user's sockets; it may not exist.

    Raises:
        OSError: This system has no Unix sockets.
    """
    if not SUPPORTED:
        raise OSError(WHY_NOT)
    runtime = os.environ.get("XDG_RUNTIME_DIR", "")
    if os.path.isabs(runtime):
        return Path(runtime, "pcaspy")
    return Path(f"/tmp/pcaspy-{os.getuid()}")


def check(path: Path, as_root: bool = False) -> None:
    """That a folder is one where only this user can put anything.

    Args:
        path: The folder.
        as_root: Root may use those of others, whose programs it could end as well.

    Raises:
        FileNotFoundError: It does not exist.
        PermissionError: It is another user's, open to others, or a link.
    """
    found = path.lstat()
    if not stat.S_ISDIR(found.st_mode):
        raise PermissionError(f"{path} is not a folder: control sockets are not safe")
    if found.st_uid != os.getuid() and not (as_root and os.getuid() == 0):
        raise PermissionError(f"{path} belongs to another user: not safe for control")
    if stat.S_IMODE(found.st_mode) & 0o077:
        mode = stat.S_IMODE(found.st_mode)
        raise PermissionError(
            f"{path} has the mode {mode:04o}, so that others can enter it; control"
            " sockets need 0700"
        )


def made() -> Path:
    """The folder, made if it does not exist, and checked.

    Raises:
        OSError: It cannot be made, or is not safe.
    """
    path = folder()
    try:
        path.mkdir(0o700)
    except FileExistsError:
        pass
    else:
        path.chmod(0o700)  # whatever the umask took away
    check(path)
    return path


def sockets(path: Path) -> list[tuple[int, int, Path]]:
    """(PID, number, path) of each socket there, in this order."""
    found = []
    for entry in os.scandir(path):
        named = _NAME.fullmatch(entry.name)
        if named:
            found.append((int(named[1]), int(named[2]), Path(entry.path)))
    return sorted(found)


def sweep(path: Path) -> None:
    """Removes sockets of processes that have died."""
    for pid, _, file in sockets(path):
        if not alive(pid) and not _answers(file):
            with contextlib.suppress(OSError):
                file.unlink()


def _answers(file: Path) -> bool:
    """A process listens there; it may be one of a container, with its own PID."""
    with socket.socket(socket.AF_UNIX) as tried:
        tried.settimeout(1.0)
        try:
            tried.connect(str(file))
        except (ConnectionRefusedError, FileNotFoundError):
            return False
        except OSError:
            return True
    return True


def alive(pid: int) -> bool:
    """There is such a process."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except (PermissionError, OverflowError):
        return True
    return True
