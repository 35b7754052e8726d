"""What the operating system says of this process and of its host.

On Linux it is read from /proc. Elsewhere psutil is asked, which the extra `status` of
the package brings.
"""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path
from typing import Any, NamedTuple

try:
    import resource
except ImportError:  # Windows
    resource = None  # type: ignore[assignment]


class Memory(NamedTuple):
    """In bytes: resident in this process; free for all, and there at all."""

    used: int
    free: int
    total: int


class Linux:
    """From /proc."""

    def __init__(self) -> None:
        self._ticks = os.sysconf("SC_CLK_TCK")
        self._page = os.sysconf("SC_PAGE_SIZE")

    def busy_seconds(self) -> float:
        """How long all processors have worked, together."""
        with open("/proc/stat", "rb") as file:
            user, nice, system = file.readline().split()[1:4]
        return (int(user) + int(nice) + int(system)) / self._ticks

    def memory(self) -> Memory:
        """Of this process and of the host."""
        with open("/proc/self/statm", "rb") as file:
            resident = int(file.read().split()[1])
        sizes = {}
        with open("/proc/meminfo", "rb") as file:
            for line in file:
                name, _, rest = line.partition(b":")
                sizes[name] = int(rest.split()[0]) * 1024
                if name == b"Cached":
                    break
        free = sum(sizes.get(name, 0) for name in (b"MemFree", b"Buffers", b"Cached"))
        return Memory(resident * self._page, free, sizes[b"MemTotal"])

    def descriptors(self) -> int:
        """How many are open."""
        return len(os.listdir("/proc/self/fd")) - 1  # one is this look

    def threads(self) -> int:
        """Of this process, those of C++ as well."""
        return len(os.listdir("/proc/self/task"))


class Psutil:
    """From psutil."""

    def __init__(self, psutil: Any) -> None:
        self._psutil = psutil
        self._pid = -1

    def _process(self) -> Any:
        if self._pid != os.getpid():  # after a fork
            self._pid, self._own = os.getpid(), self._psutil.Process()
        return self._own

    def busy_seconds(self) -> float:
        """How long all processors have worked, together."""
        times = self._psutil.cpu_times()
        return float(times.user + getattr(times, "nice", 0.0) + times.system)

    def memory(self) -> Memory:
        """Of this process and of the host."""
        host = self._psutil.virtual_memory()
        own = self._process().memory_info()
        return Memory(own.rss, host.available, host.total)

    def descriptors(self) -> int:
        """How many are open; of Windows the handles."""
        process = self._process()
        count = getattr(process, "num_fds", None) or process.num_handles
        return int(count())

    def threads(self) -> int:
        """Of this process, those of C++ as well."""
        return int(self._process().num_threads())


def most_descriptors() -> int:
    """How many a process may open; 0 where that is not known."""
    if resource is None:
        return 0
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    return 0 if most == resource.RLIM_INFINITY else int(most)


def system() -> Linux | Psutil:
    """What asks this operating system.

    Raises:
        ImportError: It needs psutil, which is not installed.
    """
    if sys.platform.startswith("linux") and Path("/proc/self/statm").exists():
        return Linux()
    try:
        import psutil  # type: ignore[import-untyped]
    except ImportError:
        raise ImportError(
            "status PVs need psutil on this system: pip install pcaspy[status]"
        ) from None
    return Psutil(psutil)


class Load:
    """How much the processors worked since the last look, in percent of all."""

    def __init__(self, asked: Linux | Psutil) -> None:
        self._asked = asked
        self.processors = os.cpu_count() or 1
        self._before = self._look()

    def _look(self) -> tuple[float, float, float]:
        return time.monotonic(), self._asked.busy_seconds(), time.process_time()

    def since(self) -> tuple[float, float]:
        """(of everything on this host, of this process)."""
        now, busy, own = self._look()
        then, busy_then, own_then = self._before
        self._before = now, busy, own
        room = max(now - then, 1e-3) * self.processors / 100
        return max(busy - busy_then, 0.0) / room, max(own - own_then, 0.0) / room
