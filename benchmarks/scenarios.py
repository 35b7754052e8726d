"""What is measured: each group starts one server of a kind and loads it.

A group is a function of a contender and a Scale that yields (metric, value) pairs, so
that what was measured before a failure is kept. Metrics are named once, here and in
goals.py.
"""

import subprocess
import sys
import time
from dataclasses import dataclass

from measure import monitoring, running
from servers.control import MONITORED_ARRAY, PREFIX, READ_ARRAY

ONE = PREFIX + "0"


@dataclass(frozen=True)
class Scale:
    """How long and how large."""

    seconds: float
    connect_small: int
    connect_large: int
    pvs: int
    stamps: int
    million: int


FULL = Scale(2.0, 10_000, 50_000, 100_000, 200, 1_000_000)
QUICK = Scale(0.5, 2_000, 10_000, 20_000, 50, 100_000)


def gets(contender, scale):
    with running(contender, "plain", 1000) as server:
        for metric, *load in (
            ("gets", "libca_load", "gets", ONE, 1000, scale.seconds),
            ("raw_gets", "raw_load", "gets", server.port, ONE, 1, 1000, scale.seconds),
            ("raw_10", "raw_load", "gets", server.port, ONE, 10, 100, scale.seconds),
        ):
            result = server.load(*load)
            yield metric + "_rate", result["rate"]
            yield metric + "_cpu_us", result["cpu_us"]
        result = server.load("libca_load", "latency", ONE, scale.seconds)
        yield "get_p50_us", result["p50_us"]
        yield "get_p99_us", result["p99_us"]


def reads(contender, scale):
    with running(contender, "read", 10) as server:
        result = server.load("libca_load", "gets", ONE, 1000, scale.seconds)
        yield "read_rate", result["rate"]
        yield "read_cpu_us", result["cpu_us"]


def puts(contender, scale):
    with running(contender, "write", 10) as server:
        result = server.load("libca_load", "puts", ONE, 1000, scale.seconds)
        handled = server.command("writes").get("writes")
        if handled is None:  # C servers do not count
            handled = result["operations"]
        yield "put_rate", handled / result["seconds"]
        yield "put_cpu_us", result["cpu_us"] * result["operations"] / max(handled, 1)
        result = server.load("libca_load", "putcbs", ONE, 100, scale.seconds)
        yield "putcb_rate", result["rate"]
        yield "putcb_cpu_us", result["cpu_us"]
        result = server.load("libca_load", "putlat", ONE, scale.seconds)
        yield "putcb_p50_us", result["p50_us"]
        yield "putcb_p99_us", result["p99_us"]


def post_rounds(server, monitor, seconds, period, pvs, how):
    """Post for a while; CPU per post, updates and CPU per update at the clients."""
    before, cpu = monitor.settled(), server.cpu
    answer = server.command(f"rounds {seconds} {period} {pvs} {how}")
    after = monitor.settled()
    spent = 1e6 * (server.cpu - cpu)
    updates = after["updates"] - before["updates"]
    return spent / max(answer["posts"], 1), updates, spent / max(updates, 1), answer


def posts(contender, scale):
    names = [f"{PREFIX}{i}" for i in range(1000)]
    with running(contender, "plain", 1000) as server:
        with monitoring(server, 1, names) as monitor:
            cpu_us, updates, _, answer = post_rounds(
                server, monitor, scale.seconds, 0.02, 1000, "each"
            )
            yield "post_cpu_us", cpu_us
            yield "post_delivered", updates / answer["posts"]
        with monitoring(server, 1, names[:1]) as monitor:
            monitor.settled()
            server.command(f"stamps {scale.stamps} 0.02")
            yield "post_p50_us", monitor.counters()["p50_us"]
            cpu_us, updates, _, answer = post_rounds(
                server, monitor, scale.seconds, 0.0, 1000, "same"
            )
            yield "flat_out_cpu_us", cpu_us
            yield "flat_out_delivered", updates / answer["posts"]


def fan_out(clients):
    """Make the group of so many clients with 100 subscriptions each."""

    def group(contender, scale):
        names = [f"{PREFIX}{i}" for i in range(100)]
        with running(contender, "plain", 100) as server:
            with monitoring(server, clients, names) as monitor:
                arguments = (server, monitor, scale.seconds)
                _, updates, cpu_us, answer = post_rounds(*arguments, 0.02, 100, "batch")
                yield f"fan{clients}_cpu_us", cpu_us
                yield (
                    f"fan{clients}_delivered",
                    updates / (answer["rounds"] * 100 * clients),
                )
                _, _, cpu_us, _ = post_rounds(*arguments, 0.0, 100, "batch")
                yield f"fan{clients}_flood_cpu_us", cpu_us
                yield f"fan{clients}_memory_mb", server.peak_memory_mb

    return group


def arrays(contender, scale):
    with running(contender, "arrays", 0) as server:
        with monitoring(server, 1, [PREFIX + MONITORED_ARRAY]) as monitor:
            before, start = monitor.settled(), time.monotonic()
            server.command(f"array {scale.seconds}")
            seconds = time.monotonic() - start
            arrived = monitor.counters()["bytes"] - before["bytes"]
            yield "array_mb_per_s", arrived / seconds / 1e6
        name = PREFIX + READ_ARRAY
        load = ("gets", server.port, name, 1, 2, scale.seconds)
        result = server.load("raw_load", *load)
        yield "bulk_gb_per_s", result["bytes"] / result["seconds"] / 1e9


def many(contender, scale):
    with running(contender, "plain", 10) as server:
        base = server.facts.get("grown_bytes", 0)
    with running(contender, "plain", scale.pvs) as server:
        if server.facts:
            grown = server.facts["grown_bytes"] - base
            yield "create_s", server.facts["create_s"]
            yield "kb_per_pv", grown / 1024 / (scale.pvs - 10)
        for metric, n in (
            ("connect_small", scale.connect_small),
            ("connect_large", scale.connect_large),
        ):
            result = server.load("libca_load", "connect", PREFIX, n)
            yield metric + "_k_per_s", result["rate"] / 1e3
            yield metric + "_cpu_us", result["cpu_us"]


def scan(count):
    """Make the group of so many PVs that are read each second."""

    def group(contender, scale):
        with running(contender, "scan", count) as server:
            time.sleep(1.5)
            start, cpu = time.monotonic(), server.cpu
            time.sleep(2 + scale.seconds)
            share = (server.cpu - cpu) / (time.monotonic() - start)
            yield f"scan{count}_cpu_percent", 100 * share
            yield f"scan{count}_threads", server.threads

    return group


def sparse(contender, scale):
    for count in (10, 10_000):
        with running(contender, "plain", count) as server:
            yield f"sparse{count}_ms", server.command("sparse 300")["ms"]


def million(contender, scale):
    with running(contender, "plain", scale.million) as server:
        yield "million_create_s", server.facts["create_s"]
        yield "million_memory_mb", server.memory_mb
        result = server.load("libca_load", "connect", PREFIX, scale.connect_small)
        yield "million_connect_k_per_s", result["rate"] / 1e3


def get_p99(server, seconds):
    return server.load("raw_load", "latency", server.port, ONE, seconds)["p99_us"]


def busy(contender, scale):
    """The p99 of cached gets while the Driver sleeps or computes, over that without.

    For the computing Driver the last metric shows how much of it is due to one of the
    processors being taken: there an unrelated process computes instead.
    """
    seconds = 2 * scale.seconds
    with running(contender, "write", 10) as server:
        idle = get_p99(server, seconds)
        yield "idle_p99_us", idle
        for what in ("SLEEP", "COMPUTE"):
            load = ("putcbs", PREFIX + what, 1, seconds + 1)
            putter = server.start_load("libca_load", *load)
            time.sleep(0.3)
            p99 = get_p99(server, seconds)
            server.finish_load(putter)
            yield f"busy_{what.lower()}_p99_ratio", p99 / idle
        other = subprocess.Popen([sys.executable, "-c", "while True: sum(range(100))"])
        p99 = get_p99(server, seconds)
        other.kill()
        other.wait()
        yield "busy_elsewhere_p99_ratio", p99 / idle


GROUPS = {
    "gets": ("plain", gets),
    "reads": ("read", reads),
    "puts": ("write", puts),
    "posts": ("plain", posts),
    "fan10": ("plain", fan_out(10)),
    "fan50": ("plain", fan_out(50)),
    "arrays": ("arrays", arrays),
    "many": ("plain", many),
    "scan1000": ("scan", scan(1000)),
    "scan10000": ("scan", scan(10_000)),
    "sparse": ("sparse", sparse),
    "busy": ("busy", busy),
    "million": ("sparse", million),
}
