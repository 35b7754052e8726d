"""The soak: a server under changing clients, drivers and faults, watched for long.

    python tests/long/soak/run.py --minutes 60 --out build/soak

At quiet points, one a minute, the drivers pause and the faults end: each subscriber's
last value must be the last one posted, and memory, descriptors and threads are noted
when only the lasting clients are left. Ends with 1 if a value was lost, torn or out of
order, or if something grows.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import sys
import time
from pathlib import Path

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE.parents[1]), str(HERE)]

from measure import sample, summary  # noqa: E402
from rough_clients import RoughClients  # noqa: E402

from support.environment import client_environment, without_epics  # noqa: E402
from support.peers import peer_python  # noqa: E402
from support.ports import free_port  # noqa: E402
from support.process import Child  # noqa: E402

LONGEST_SETTLING = 45.0
# Growth over the second half that is still called flat. An allocator needs a while to
# find its size, so short runs say little about memory. A client starts one thread for
# each server on the day that this one first keeps it waiting: a step is no slope.
LIMITS = {"rss_kb": 2048, "descriptors": 2, "threads": 2}
SHORT_RUN_MINUTES = 10


class Soak:
    def __init__(self, minutes, period, out):
        self.minutes, self.period, self.out = minutes, period, out
        self.path = os.pathsep.join([str(HERE), str(HERE.parents[1] / "support")])
        self.failures = []
        self.quiet = {"server": [], "aioca": [], "aioca behind the proxy": []}
        self.busy = {name: [] for name in self.quiet}
        self.settling = []
        self.short_lived = 0

    def python(self, script, *arguments, env=None, python=sys.executable):
        env = {**(env or without_epics()), "PYTHONPATH": self.path}
        return Child([str(python), str(HERE / script), *arguments], env)

    def start(self):
        beside = self.out / "beside"
        beside.mkdir(parents=True, exist_ok=True)
        runtime = {"XDG_RUNTIME_DIR": str(beside)}
        self.server = self.python(
            "server_side.py",
            str(beside),
            env={
                **without_epics(),
                **runtime,
                "EPICS_PVAS_SERVER_PORT": "0",
                "EPICS_PVAS_BROADCAST_PORT": "0",
            },
        )
        tcp, udp = self.server.ready["tcp"], self.server.ready["udp"]
        port = free_port()
        self.proxy = self.python("proxy_side.py", str(port), str(tcp), str(udp))
        self.direct = client_environment(udp)
        # So that a stalled circuit is given up within the stalls' length.
        self.behind = client_environment(port, EPICS_CA_CONN_TMO="6")
        self.clients = {
            "aioca": self.python("aioca_side.py", "strict", "PUT0", env=self.direct),
            "aioca behind the proxy": self.python(
                "aioca_side.py", "lenient", "PUT1", env=self.behind
            ),
            "pyepics": self.python(
                "pyepics_side.py", env=self.direct, python=peer_python("pyepics")
            ),
            "p4p": self.python(
                "pva_client_side.py",
                env={
                    **without_epics(),
                    "EPICS_PVA_ADDR_LIST": "127.0.0.1",
                    "EPICS_PVA_AUTO_ADDR_LIST": "NO",
                    "EPICS_PVA_BROADCAST_PORT": str(self.server.ready["pva_udp"]),
                },
                python=peer_python("p4p"),
            ),
        }
        self.looking = self.python("looking_side.py", self.server.ready["socket"])
        self.rough = RoughClients(tcp, udp)

    def measured(self):
        return {
            "server": self.server.pid,
            **{k: v.pid for k, v in self.clients.items() if k in self.quiet},
        }

    def run(self):
        self.start()
        end = time.monotonic() + self.minutes * 60
        while time.monotonic() < end and self.server.alive():
            self.disturb(min(time.monotonic() + self.period, end))
            self.quiet_point()
            self.write()

    def disturb(self, end):
        """Faults and clients that come and go, until `end`."""
        self.proxy.ask(do="rough")
        self.rough.go_on()
        passing = None
        while (left := end - time.monotonic()) > 0:
            if passing is None:
                env = random.choice([self.direct, self.behind])
                passing = self.python("aioca_side.py", "lenient", "PUT2", env=env)
                self.short_lived += 1
            time.sleep(min(left, random.uniform(2, 12)))
            for name in ("pyepics", "p4p"):
                self.clients[name].ask(60, do="put")
            for name, pid in self.measured().items():
                self.busy[name].append(sample(pid))
            if random.random() < 0.5:
                passing.kill()
            passing.stop()
            passing = None
        self.rough.hold()

    def quiet_point(self):
        self.proxy.ask(do="calm")
        self.looking.ask(60, do="hold")
        for name in self.quiet:
            if name != "server":
                self.clients[name].ask(90, do="hold")
        posted = self.server.ask(do="pause")
        started = time.monotonic()
        for name, client in self.clients.items():
            self.compare(name, client, posted, started + LONGEST_SETTLING)
        self.settling.append(round(time.monotonic() - started, 2))
        self.wait_for_circuits(started + LONGEST_SETTLING)
        for name, pid in self.measured().items():
            self.quiet[name].append(sample(pid))
        self.server.ask(do="resume")
        self.looking.ask(60, do="go_on")
        for name in self.quiet:
            if name != "server":
                self.clients[name].ask(do="go_on")

    def compare(self, name, client, posted, deadline):
        while True:
            last = client.ask(60, do="last")
            differ = {k: (v, posted[k]) for k, v in last.items() if v != posted[k]}
            if not differ:
                return
            if time.monotonic() > deadline:
                self.failures.append(f"{name}: (has, posted) differ: {differ}")
                return
            time.sleep(0.2)

    def wait_for_circuits(self, deadline):
        """Until the server has let go of the clients that went."""
        lasting = len(self.clients) - 1  # p4p has another protocol
        while (
            (now := self.server.ask(do="stats"))["circuits"] > lasting
            or now["held_bytes"]
            or now["requests_queued"]
        ):
            if time.monotonic() > deadline:
                self.failures.append(f"circuits stay: {now}")
                return
            time.sleep(0.1)

    def verdict(self):
        wrong = list(self.failures) + self.rough.wrong
        for name, client in self.clients.items():
            wrong += [
                f"{name}: {what}" for what in client.ask(60, do="report")["wrong"]
            ]
        wrong += [
            f"control: {what}" for what in self.looking.ask(60, do="report")["wrong"]
        ]
        if not self.server.alive():
            wrong.append("the server died")
        if self.minutes < SHORT_RUN_MINUTES:
            return wrong
        for name, samples in self.quiet.items():
            hours = (samples[-1]["time"] - samples[len(samples) // 2]["time"]) / 3600
            for what, limit in LIMITS.items():
                grown = summary(samples, what)["slope_per_hour"] * hours
                if grown > limit:
                    wrong.append(f"{name}: {what} grew by {grown:.0f}")
        return wrong

    def report(self):
        started = self.quiet["server"][0]["time"] - self.period
        ended = self.quiet["server"][-1]["time"]
        return {
            "minutes": round((ended - started) / 60, 1),
            "quiet_points": len(self.quiet["server"]),
            "wrong": self.verdict(),
            "longest_settling_s": max(self.settling),
            "at_quiet_points": {
                name: {what: summary(samples, what) for what in LIMITS}
                for name, samples in self.quiet.items()
            },
            "under_load": {
                name: {what: summary(samples, what) for what in LIMITS}
                for name, samples in self.busy.items()
                if samples
            },
            "cpu_s": {k: v[-1]["cpu_s"] for k, v in self.quiet.items()},
            "server": self.server.ask(do="stats"),
            "clients": {k: v.ask(60, do="report") for k, v in self.clients.items()},
            "looking": self.looking.ask(60, do="report"),
            "short_lived_clients": self.short_lived,
            "rough_clients": self.rough.counters,
            "proxy": self.proxy.ask(do="stats"),
        }

    def write(self):
        """The summary so far, so that a run that is cut short leaves one."""
        self.out.mkdir(parents=True, exist_ok=True)
        report = self.report()
        (self.out / "summary.json").write_text(json.dumps(report, indent=1) + "\n")
        (self.out / "samples.json").write_text(json.dumps(self.quiet) + "\n")
        return report

    def stop(self):
        self.rough.hold()
        for child in (*self.clients.values(), self.looking, self.proxy, self.server):
            child.stop()


def table(report):
    """The figures as text."""
    lines = [f"{report['minutes']} minutes, {report['quiet_points']} quiet points"]
    for name, figures in report["at_quiet_points"].items():
        for what, one in figures.items():
            lines.append(
                f"{name:24} {what:12} first {one['first']:7} last {one['last']:7} "
                f"slope {one['slope_per_hour']:9} per hour"
            )
    lines += [f"WRONG: {what}" for what in report["wrong"]] or ["nothing was wrong"]
    return "\n".join(lines)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--minutes", type=float, default=60)
    parser.add_argument("--period", type=float, default=60, help="of quiet points, s")
    parser.add_argument("--out", type=Path, default=Path("build/soak"))
    options = parser.parse_args()
    soak = Soak(options.minutes, options.period, options.out)
    try:
        soak.run()
        report = soak.write()
    finally:
        soak.stop()
    text = table(report)
    (options.out / "summary.txt").write_text(text + "\n")
    print(text)
    return 1 if report["wrong"] else 0


if __name__ == "__main__":
    sys.exit(main())
