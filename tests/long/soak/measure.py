"""Memory, descriptors and threads of a process over time."""

import os
import time
from pathlib import Path

PAGE = os.sysconf("SC_PAGE_SIZE")
TICKS = os.sysconf("SC_CLK_TCK")


def sample(pid):
    """What /proc says of a process now."""
    proc = Path(f"/proc/{pid}")
    fields = (proc / "stat").read_text().rpartition(")")[2].split()
    return {
        "time": time.monotonic(),
        "rss_kb": int((proc / "statm").read_text().split()[1]) * PAGE // 1024,
        "descriptors": len(os.listdir(proc / "fd")),
        "threads": int(fields[17]),
        "cpu_s": (int(fields[11]) + int(fields[12])) / TICKS,
    }


def slope_per_hour(samples, what):
    """Least squares over the second half of the samples."""
    half = samples[len(samples) // 2 :]
    times = [one["time"] / 3600 for one in half]
    values = [one[what] for one in half]
    mean_t, mean_v = sum(times) / len(times), sum(values) / len(values)
    spread = sum((t - mean_t) ** 2 for t in times)
    if not spread:
        return 0.0
    return (
        sum((t - mean_t) * (v - mean_v) for t, v in zip(times, values, strict=True))
        / spread
    )


def summary(samples, what):
    """First, last, least and most, and the slope."""
    values = [one[what] for one in samples]
    return {
        "first": values[0],
        "last": values[-1],
        "least": min(values),
        "most": max(values),
        "slope_per_hour": round(slope_per_hour(samples, what), 2),
    }
