"""One server with as much as one host is asked for, in stages.

    python tests/long/scale/run.py [--scale SHARE] [--publish]

A million PVs, of them 10,000 scanned each second and 1,000 that take slow puts; 20,000
circuits, or as many as a process may have descriptors for; a million subscriptions.
Each stage prints a line and adds its figures to build/scale/scale.json: processor time
and memory of the server, and the gets of an outsider that has nothing to do with it.
--scale 0.01 makes all of it a hundredth.
"""

import argparse
import contextlib
import functools
import json
import os
import resource
import signal
import subprocess
import sys
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[2]
sys.path.insert(0, str(ROOT / "benchmarks"))

from measure import LineProcess, environment, free_port  # noqa: E402
from peers import C_FLAGS  # noqa: E402

from pcaspy.control.client import Control, find  # noqa: E402

BUILD = ROOT / "build" / "scale"
TIMEOUT = 600.0
HOSTS = 10  # addresses that the clients come from
PERIOD_US = "500"  # of an outsider's gets
COLUMNS = ("p50_us", "p99_us", "max_us")
SPARE = 100  # descriptors of a process that are no circuits


# The stages in which an outsider's gets are measured, in words of the documentation.
GETS = {
    "PVs alone": "a million PVs, 10,000 of them scanned, no other client",
    "all subscribed": "19,900 clients with a million subscriptions, nothing posted",
    "scan, subscribed": "the scanned PVs have subscribers as well",
    "gets during these posts": "all PVs are posted once to their subscribers",
    "gets during these writes": "1,000 put callbacks are in progress for a second",
    "pcaspy clients": "`pcaspy clients` lists 19,900 clients",
    "pcaspy top, PVs by value": "`pcaspy top` sorts a million PVs",
    "beyond the limit of descriptors": "2,000 clients find no descriptor free",
    "all leave": "all clients are killed at once",
    "gets while they connect": "19,900 clients connect and subscribe a million times",
}


def publish(stages):
    """Write the table of the outsider's gets for the documentation."""
    lines = ["| meanwhile | median | slowest percent | longest |", "|---|---|---|---|"]
    for name, text in GETS.items():
        times = (f"{stages[name][f'get_{of}'] / 1e3:.3g}" for of in COLUMNS)
        lines.append(f"| {text} | " + " | ".join(times) + " |")
    page = ROOT / "docs" / "explanation" / "scale-gets.md"
    page.write_text("\n".join(lines) + "\n")


class Sizes:
    """How many of each, for a share of the whole."""

    def __init__(self, share):
        files = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
        self.scanned = max(10, round(10_000 * share))
        self.puts = max(10, round(1_000 * share))
        self.stored = max(100, round(1_000_000 * share)) - self.scanned - self.puts
        self.circuits = min(max(10, round(20_000 * share)), files - SPARE)
        self.channels = -(-round(1_000_000 * share) // self.circuits)
        self.beyond = max(10, round(1_000 * share))


def compiled(source):
    """Compile a C program; return its path."""
    BUILD.mkdir(parents=True, exist_ok=True)
    target = BUILD / source.stem
    subprocess.run(["cc", *C_FLAGS, str(source), "-o", str(target)], check=True)
    return str(target)


class Server(LineProcess):
    """The server, and what it costs."""

    def __init__(self, sizes):
        self.udp_port = free_port()
        self.env = environment(self.udp_port, free_port())
        arguments = (sizes.stored, sizes.scanned, sizes.puts)
        script = str(HERE / "scale_server.py")
        super().__init__([sys.executable, script, *map(str, arguments)], self.env)
        self.facts = self.answer(TIMEOUT)

    def ask(self, command):
        return self.command(command, TIMEOUT)

    @property
    def cpu(self):
        return time.clock_gettime((~self.pid << 3) | 2)

    @property
    def memory(self):
        with open(f"/proc/{self.pid}/statm") as statm:
            return int(statm.read().split()[1]) * resource.getpagesize()

    @property
    def descriptors(self):
        return len(os.listdir(f"/proc/{self.pid}/fd"))


class Crowd(LineProcess):
    """Clients of the server, in one process."""

    def __init__(self, program, server, prefix, first, pvs):
        port = str(server.facts["tcp_port"])
        super().__init__(
            [program, port, prefix, str(first), str(pvs), str(HOSTS)], server.env
        )

    def ask(self, command):
        return self.command(command, TIMEOUT)

    def kill(self):
        self._child.send_signal(signal.SIGKILL)


class Scale:
    """The stages, each a method, in order."""

    def __init__(self, sizes, seconds):
        self.sizes, self.seconds = sizes, seconds
        self.results = {}
        self.crowd_program = compiled(HERE / "crowd.c")
        self.outsider_program = compiled(ROOT / "benchmarks" / "load" / "raw_load.c")
        self.server = Server(sizes)
        self.base = self.server.memory

    def stage(self, name, **facts):
        """Print and keep what a stage measured, with the server's memory."""
        facts["memory_mb"] = self.server.memory / 2**20
        self.results[name] = facts
        text = ", ".join(f"{key} {value:,.6g}" for key, value in facts.items())
        print(f"{name}: {text}", flush=True)

    def start_outsider(self, times=1):
        seconds = str(times * self.seconds)
        load = ("paced", str(self.server.udp_port), "SCALE:0", seconds, PERIOD_US)
        return subprocess.Popen(
            [self.outsider_program, *load], stdout=subprocess.PIPE, text=True
        )

    def outsider(self, times=1):
        """Gets of a stored value, 2000 a second, with nothing new beside them."""
        return self.end_outsider(self.start_outsider(times))

    def end_outsider(self, child):
        """The times of its gets."""
        result = json.loads(child.communicate(timeout=TIMEOUT)[0])
        return {f"get_{name}": result[name] for name in COLUMNS}

    @contextlib.contextmanager
    def measured(self, name, of):
        """A stage of `of` operations: their time, and the server's processor time."""
        facts = {}
        start, cpu = time.monotonic(), self.server.cpu
        yield facts
        seconds, spent = time.monotonic() - start, self.server.cpu - cpu
        self.stage(name, of=of, seconds=seconds, cpu_us_each=1e6 * spent / of, **facts)

    def idle(self, name):
        """What goes on with nothing new, and an outsider's gets meanwhile."""
        start, cpu = time.monotonic(), self.server.cpu
        time.sleep(self.seconds)
        load = 100 * (self.server.cpu - cpu) / (time.monotonic() - start)
        self.stage(name, idle_cpu_percent=load, **self.outsider())

    def created(self):
        facts = self.server.facts
        pvs = self.sizes.stored + self.sizes.scanned + self.sizes.puts
        self.stage(
            "createPV",
            of=pvs,
            seconds=facts["seconds"],
            drivers_seconds=facts["drivers"],
            cpu_us_each=1e6 * facts["cpu"] / pvs,
            bytes_each=self.base / pvs,
        )
        self.idle("PVs alone")

    def circuits(self, crowd, name):
        before = self.server.memory
        with self.measured(name, self.sizes.circuits) as facts:
            crowd.ask(f"connect {self.sizes.circuits}")
            facts["bytes_each"] = (self.server.memory - before) / self.sizes.circuits

    def subscriptions(self, crowd, name):
        number = self.sizes.circuits * self.sizes.channels
        before = self.server.memory
        with self.measured(f"channels, {name}", number) as facts:
            crowd.ask(f"create {self.sizes.channels}")
            facts["bytes_each"] = (self.server.memory - before) / number
        before = self.server.memory
        with self.measured(f"subscriptions, {name}", number) as facts:
            crowd.ask("subscribe")
            facts["bytes_each"] = (self.server.memory - before) / number

    def new_crowd(self):
        return Crowd(self.crowd_program, self.server, "SCALE:", 0, self.sizes.stored)

    def filled(self, name):
        """A crowd with all its subscriptions."""
        crowd = self.new_crowd()
        self.circuits(crowd, f"circuits, {name}")
        self.subscriptions(crowd, name)
        return crowd

    def posts(self, crowd):
        """All PVs once, to their subscribers, and an outsider's gets meanwhile."""
        deliveries = self.sizes.circuits * self.sizes.channels
        before = crowd.ask("updates")["updates"]
        child = self.start_outsider()
        time.sleep(self.seconds / 10)
        with self.measured("posts of all PVs", deliveries) as facts:
            facts["post_seconds"] = self.server.ask("post")["seconds"]
            arrived = crowd.ask("updates")["updates"] - before
            crowd.ask(f"until {deliveries - arrived}")
        self.stage("gets during these posts", **self.end_outsider(child))

    def scan(self, name):
        """Subscribers of the scanned PVs: each second an update of each."""
        number, circuits = self.sizes.scanned, 10
        crowd = Crowd(self.crowd_program, self.server, "SCALE:SCAN", 0, number)
        crowd.ask(f"connect {circuits}")
        crowd.ask(f"create {number // circuits}")
        crowd.ask("subscribe")
        before, start = crowd.ask("updates")["updates"], time.monotonic()
        facts = self.outsider(2)
        updates = crowd.ask("updates")["updates"] - before
        rate = updates / (time.monotonic() - start)
        self.stage(name, updates_per_s=rate, **facts)
        crowd.stop()

    def writes(self):
        """Put callbacks that are in progress together."""
        number = self.sizes.puts
        crowd = Crowd(self.crowd_program, self.server, "SCALE:PUT", 0, number)
        crowd.ask("connect 1")
        crowd.ask(f"create {number}")
        child = self.start_outsider()
        time.sleep(self.seconds / 10)
        with self.measured("writes", number) as facts:
            facts["failures"] = crowd.ask(f"writes {number}")["failures"]
            facts["in_flight"] = self.server.ask("most")["writes"]
        self.stage("gets during these writes", **self.end_outsider(child))
        crowd.stop()

    def looks(self):
        """The commands that look inside, and the gets of an outsider meanwhile."""
        for command in ("list", "stats", "clients", "slow", "misses"):
            self.looked(f"pcaspy {command}", functools.partial(self.look, command))
        with Control(find("scale").path, timeout=TIMEOUT) as control:
            for sort in ("name", "value", "rate", "clients"):
                ask = functools.partial(control.ask, "pvs", sort=sort, descending=True)
                self.looked(f"pcaspy top, PVs by {sort}", ask)

    def looked(self, name, look):
        """The cost of a look, and that of a second one to an outsider."""
        start, cpu = time.monotonic(), self.server.cpu
        look()
        seconds, spent = time.monotonic() - start, self.server.cpu - cpu
        child = self.start_outsider()
        time.sleep(self.seconds / 10)
        look()
        gets = self.end_outsider(child)
        self.stage(name, seconds=seconds, server_cpu_s=spent, **gets)

    def look(self, command):
        subprocess.run(
            [sys.executable, "-m", "pcaspy", command],
            stdout=subprocess.DEVNULL,
            check=True,
        )

    def beyond(self):
        """Clients that the server has no descriptors for, and no busy loop."""
        pid, open_now = self.server.pid, self.server.descriptors
        limits = resource.prlimit(pid, resource.RLIMIT_NOFILE)
        child = self.start_outsider()
        time.sleep(self.seconds / 6)
        room = open_now + self.sizes.beyond // 2
        room += min(32, room // 7 + 1)  # kept for the program: 32, or an eighth
        if room < limits[1]:
            resource.prlimit(pid, resource.RLIMIT_NOFILE, (room, limits[1]))
        crowd = self.new_crowd()
        crowd.ask(f"ask {2 * self.sizes.beyond}")
        gets = self.end_outsider(child)
        cpu = self.server.cpu
        time.sleep(self.seconds)
        load = 100 * (self.server.cpu - cpu) / self.seconds
        greeted = crowd.ask("greeted")["greeted"]
        pauses = self.server.ask("stats")["accept_pauses"]
        resource.prlimit(pid, resource.RLIMIT_NOFILE, limits)
        self.stage(
            "beyond the limit of descriptors",
            asked=2 * self.sizes.beyond,
            served=greeted,
            pauses=pauses,
            idle_cpu_percent=load,
            **gets,
        )
        crowd.stop()

    def wait_for_circuits(self, most):
        end = time.monotonic() + TIMEOUT
        while self.server.ask("stats")["circuits"] > most:
            if time.monotonic() > end:
                raise TimeoutError("the circuits stay")
            time.sleep(0.01)

    def leave(self, crowd, name):
        """All clients die at once."""
        child = self.start_outsider()
        time.sleep(self.seconds / 10)
        start, cpu = time.monotonic(), self.server.cpu
        crowd.kill()
        self.wait_for_circuits(1)
        seconds, spent = time.monotonic() - start, self.server.cpu - cpu
        gets = self.end_outsider(child)
        crowd.stop()
        self.stage(name, seconds=seconds, server_cpu_s=spent, **gets)

    def trim(self):
        """What the C library keeps, and what giving it back costs an outsider."""
        child = self.start_outsider()
        time.sleep(self.seconds / 10)
        seconds = self.server.ask("trim")["seconds"]
        gets = self.end_outsider(child)
        self.stage("malloc_trim()", seconds=seconds, **gets)

    def again(self):
        """The same crowd once more, and an outsider's gets meanwhile."""
        child = self.start_outsider(3)
        time.sleep(self.seconds / 10)
        crowd = self.filled("second")
        self.stage("gets while they connect", **self.end_outsider(child))
        return crowd

    def close(self, crowd):
        facts = self.server.ask("close")
        self.stage("close() with all circuits", **facts)
        crowd.stop()

    def run(self):
        self.created()
        self.scan("scan alone")
        crowd = self.filled("first")
        self.idle("all subscribed")
        self.posts(crowd)
        self.scan("scan, subscribed")
        self.writes()
        self.looks()
        self.beyond()
        self.leave(crowd, "all leave")
        self.idle("after they left")
        self.trim()
        self.close(self.again())
        self.server.stop()


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--scale", type=float, default=1.0, help="share of the whole")
    parser.add_argument("--seconds", type=float, default=3.0, help="of gets, each time")
    parser.add_argument("--results", type=Path, default=BUILD / "scale.json")
    parser.add_argument("--publish", action="store_true", help="update the docs")
    options = parser.parse_args()
    sizes = Sizes(options.scale)
    scale = Scale(sizes, options.seconds)
    try:
        scale.run()
    finally:
        result = {"sizes": vars(sizes), "stages": scale.results}
        options.results.write_text(json.dumps(result, indent=1))
    if options.publish:
        publish(scale.results)


if __name__ == "__main__":
    main()
