"""What is measured: each group starts one server of a kind and loads it.

A group is a function of a contender and a Scale that yields (metric, value) pairs, so
that what was measured before a failure is kept. Metrics are named once, here and in
goals.py.
"""

import os
import statistics
import subprocess
import sys
import time
from dataclasses import dataclass

from measure import Failed, monitoring, running
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


FULL = Scale(2.0, 10_000, 50_000, 100_000, 400, 1_000_000)
QUICK = Scale(0.5, 2_000, 10_000, 20_000, 50, 100_000)


def gets(contender, scale):
    with running(contender, "plain", 1000) as server:
        result = server.load("libca_load", "gets", ONE, 1000, scale.seconds)
        yield "gets_rate", result["rate"]
        yield "gets_cpu_us", result["cpu_us"]


def raw(contender, scale):
    with running(contender, "plain", 1000) as server:
        for metric, circuits, outstanding in (
            ("raw_gets", 1, 1000),
            ("raw_10", 10, 100),
        ):
            load = ("gets", server.port, ONE, circuits, outstanding, scale.seconds)
            result = server.load("raw_load", *load)
            yield metric + "_rate", result["rate"]
            yield metric + "_cpu_us", result["cpu_us"]


def latency(contender, scale):
    with running(contender, "plain", 1000) as server:
        result = server.load("libca_load", "latency", ONE, scale.seconds)
        yield "get_p50_us", result["p50_us"]
        yield "get_p99_us", result["p99_us"]


def reads(contender, scale):
    with running(contender, "read", 10) as server:
        result = server.load("libca_load", "gets", ONE, 1000, scale.seconds)
        yield "read_rate", result["rate"]


def puts(contender, scale):
    with running(contender, "write", 10) as server:
        result = server.load("libca_load", "puts", ONE, 1000, scale.seconds)
        handled = server.command("writes").get("writes")
        if handled is None:  # C servers do not count
            handled = result["operations"]
        yield "put_rate", handled / result["seconds"]
        yield "put_cpu_us", result["cpu_us"] * result["operations"] / max(handled, 1)


def put_callbacks(contender, scale):
    with running(contender, "write", 100) as server:
        result = server.load("libca_load", "putcbs", ONE, 100, scale.seconds)
        yield "putcb_rate", result["rate"]
        load = ("putcbs", server.port, PREFIX, 100, scale.seconds)
        yield "putcb_raw_rate", server.load("raw_load", *load)["rate"]


def one_put_callback(contender, scale):
    with running(contender, "write", 10) as server:
        result = server.load("libca_load", "putlat", ONE, scale.seconds)
        yield "putcb_one_rate", result["rate"]
        yield "putcb_one_cpu_us", result["cpu_us"]
        yield "putcb_p50_us", result["p50_us"]


def post_rounds(server, monitor, seconds, period, pvs, how):
    """Post for a while; CPU per post, updates and CPU per update at the clients."""
    before, cpu = monitor.settled(), server.cpu
    answer = server.command(f"rounds {seconds} {period} {pvs} {how}")
    after = monitor.settled()
    spent = 1e6 * (server.cpu - cpu)
    updates = after["updates"] - before["updates"]
    return spent / max(answer["posts"], 1), updates, spent / max(updates, 1), answer


NAMES = [f"{PREFIX}{i}" for i in range(1000)]


def posts(contender, scale):
    with running(contender, "plain", 1000) as server:
        with monitoring(server, 1, NAMES) as monitor:
            cpu_us, updates, _, answer = post_rounds(
                server, monitor, scale.seconds, 0.02, 1000, "each"
            )
            yield "post_cpu_us", cpu_us
            yield "post_delivered", updates / answer["posts"]


def flat_out(contender, scale):
    with running(contender, "plain", 1000) as server:
        with monitoring(server, 1, NAMES[:1]) as monitor:
            cpu_us, updates, _, answer = post_rounds(
                server, monitor, scale.seconds, 0.0, 1000, "same"
            )
            yield "flat_out_cpu_us", cpu_us
            yield "flat_out_delivered", updates / answer["posts"]


def stamps(contender, scale):
    with running(contender, "plain", 1000) as server:
        with monitoring(server, 1, NAMES[:1]) as monitor:
            monitor.settled()
            server.command(f"stamps {scale.stamps} 0.02")
            counters = monitor.counters()
            yield "post_p50_us", counters["p50_us"]
            yield "post_p99_us", counters["p99_us"]


def flood(server, monitor, scale):
    """Post 100 PVs to 50 clients without a pause.

    What counts for the rate has arrived by the end of the posts: what waits in queues
    for slow clients is delivered later, but not at that rate.
    """
    before, cpu, start = monitor.settled(), server.cpu, time.monotonic()
    server.command(f"rounds {scale.seconds} 0.0 100 batch")
    arrived = monitor.counters()["updates"] - before["updates"]
    yield "fan50_flood_rate", arrived / (time.monotonic() - start)
    updates = monitor.settled()["updates"] - before["updates"]
    yield "fan50_flood_cpu_us", 1e6 * (server.cpu - cpu) / max(updates, 1)
    yield "fan50_memory_mb", server.peak_memory_mb


def fan_out(clients):
    """Make the group of so many clients with 100 subscriptions each."""

    def group(contender, scale):
        with running(contender, "plain", 100) as server:
            with monitoring(server, clients, NAMES[:100]) as monitor:
                arguments = (server, monitor, scale.seconds)
                _, updates, cpu_us, answer = post_rounds(*arguments, 0.02, 100, "batch")
                yield f"fan{clients}_cpu_us", cpu_us
                yield (
                    f"fan{clients}_delivered",
                    updates / (answer["rounds"] * 100 * clients),
                )
                if clients == 50:
                    yield from flood(server, monitor, scale)

    return group


def arrays(contender, scale):
    with running(contender, "arrays", 0) as server:
        with monitoring(server, 1, [PREFIX + MONITORED_ARRAY]) as monitor:
            before, start = monitor.settled(), time.monotonic()
            server.command(f"array {scale.seconds}")
            seconds = time.monotonic() - start
            arrived = monitor.counters()["bytes"] - before["bytes"]
            yield "array_mb_per_s", arrived / seconds / 1e6


def bulk(contender, scale):
    with running(contender, "arrays", 0) as server:
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
        result = server.load("libca_load", "connect", PREFIX, scale.connect_small)
        yield "connect_small_k_per_s", result["rate"] / 1e3
        result = server.load("libca_load", "connect", PREFIX, scale.connect_large)
        yield "connect_large_k_per_s", result["rate"] / 1e3
        yield "connect_large_cpu_us", result["cpu_us"]


def imports(contender, scale):
    """The processor time of an interpreter that starts and imports."""
    program = f"import {contender.package}, time; print(time.process_time())"
    command = [contender.python, "-c", program]
    environment = {k: v for k, v in os.environ.items() if not k.startswith("PYTHON")}
    times = []
    for _ in range(6):
        done = subprocess.run(
            command, env=environment, capture_output=True, text=True, check=False
        )
        if done.returncode:
            raise Failed(done.stderr.strip()[-300:])
        times.append(float(done.stdout.splitlines()[-1]))
    yield "import_cpu_s", statistics.median(times[1:])  # the first one may compile


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


# The mode that a contender must know, and the group.
GROUPS = {
    "gets": ("plain", gets),
    "raw": ("plain", raw),
    "latency": ("plain", latency),
    "reads": ("read", reads),
    "puts": ("write", puts),
    "putcbs": ("write", put_callbacks),
    "putcb_one": ("write", one_put_callback),
    "posts": ("plain", posts),
    "flat_out": ("plain", flat_out),
    "stamps": ("plain", stamps),
    "fan10": ("plain", fan_out(10)),
    "fan50": ("plain", fan_out(50)),
    "arrays": ("arrays", arrays),
    "bulk": ("arrays", bulk),
    "many": ("plain", many),
    "import": ("import", imports),
    "scan1000": ("scan", scan(1000)),
    "scan10000": ("scan", scan(10_000)),
    "sparse": ("sparse", sparse),
    "busy": ("busy", busy),
    "million": ("sparse", million),
}
