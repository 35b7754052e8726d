"""PVAccess: this server beside p4p and softioc (QSRV2), with the same pvxs client.

    run.py [--seconds N] [--only gets puts ...] [--contenders ours p4p softioc]

Prints a table; each figure is of one run, all in one go.
"""

import argparse
import json
import os
import subprocess
import sys
import time
from pathlib import Path

import epicscorelibs.config
import epicscorelibs.path
import pvxslibs.path
from pvxslibs.lib import pvxs_dsoinfo

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
sys.path.insert(0, str(ROOT / "tests"))

from support.environment import server_environment  # noqa: E402
from support.peers import peer_python  # noqa: E402
from support.ports import free_port  # noqa: E402

LOAD = ROOT / "build" / "bench" / "pva_load"
COUNT = 1000


def compile_load():
    """The client, if its source is newer."""
    source = HERE / "load.cpp"
    if LOAD.exists() and LOAD.stat().st_mtime > source.stat().st_mtime:
        return
    LOAD.parent.mkdir(parents=True, exist_ok=True)
    macros = epicscorelibs.config.get_config_var("CPPFLAGS")
    defined = [f"-D{name}={value}" if value else f"-D{name}" for name, value in macros]
    folders = (pvxslibs.path.include_path, epicscorelibs.path.include_path)
    pvxs = Path(pvxs_dsoinfo.sofilename)
    epics = epicscorelibs.path.lib_path
    subprocess.run(
        [
            *os.environ.get("CXX", "c++").split(),
            *("-std=c++20", "-O2", *defined, source, "-o", LOAD, "-pthread"),
            *(flag for folder in folders for flag in ("-isystem", folder)),
            *(f"-L{pvxs.parent}", f"-Wl,-rpath,{pvxs.parent}", f"-l:{pvxs.name}"),
            *(f"-L{epics}", f"-Wl,-rpath,{epics}", "-lCom"),
        ],
        check=True,
    )


class Talk:
    """A program that is asked in lines and answers in JSON."""

    def __init__(self, argv, env):
        self.process = subprocess.Popen(
            [*map(str, argv)],
            env=env,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )

    def read(self):
        """The next answer; an IOC writes other lines, too."""
        for line in self.process.stdout:
            if line.startswith("{"):
                return json.loads(line)
        raise RuntimeError(f"{self.process.args} has ended")

    def ask(self, line=""):
        """A command, and its answer."""
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()
        return self.read()

    def close(self):
        """Ends it."""
        self.process.kill()
        self.process.wait()


class Contender:
    """A server, and how clients find it."""

    def __init__(self, which, count):
        env = server_environment(free_port())
        for port in ("SERVER", "BROADCAST"):
            env[f"EPICS_PVAS_{port}_PORT"] = str(free_port())
        python = sys.executable if which == "ours" else peer_python(which)
        self.server = Talk([python, HERE / "server.py", which, count], env)
        ports = self.server.read()
        self.client_env = {
            **env,
            "EPICS_PVA_ADDR_LIST": "127.0.0.1",
            "EPICS_PVA_AUTO_ADDR_LIST": "NO",
            "EPICS_PVA_NAME_SERVERS": f"127.0.0.1:{ports['tcp']}",
        }

    def load(self, *arguments):
        """The client, connected."""
        client = Talk([LOAD, *arguments], self.client_env)
        return client, client.read()

    def cpu(self):
        """Seconds of processor time so far."""
        return self.server.ask("cpu")["cpu"]


def operations(kind, contender, seconds):
    """{figure: number} of gets or puts, one outstanding for each PV."""
    client, _ = contender.load(kind, f"B:*{COUNT}", seconds)
    before = contender.cpu()
    ended = client.read()
    used = contender.cpu() - before
    client.close()
    return {
        f"{kind}, 1000 outstanding, per s": ended["done"] / ended["seconds"],
        f"{kind}: server CPU, us": 1e6 * used / ended["done"],
    }


def posts(rate, contender, seconds):
    """{figure: number} of posts in turn to all PVs at a rate."""
    client, _ = contender.load("monitor", f"B:*{COUNT}")
    first = client.ask()["updates"]
    ended = contender.server.ask(f"post {rate} {seconds}")
    time.sleep(0.5)  # what is on its way
    updates = client.ask()["updates"] - first
    used = contender.cpu() - ended["cpu_before"]
    client.close()
    what = f"{rate // 1000}k posts/s asked for"
    return {
        f"{what}: updates/s": updates / seconds,
        f"{what}: share delivered": updates / ended["posts"],
        f"{what}: server CPU per update, us": 1e6 * used / max(updates, 1),
        f"{what}: a post, in its thread, us": ended["post_us"],
    }


def connect(contender, seconds):
    """Seconds until the client has the first update of each PV."""
    client, ready = contender.load("monitor", "B:*10000")
    client.close()
    return {"10,000 monitors from cold, s": ready["seconds"]}


def held(contender, seconds):
    """The longest get while the GIL is held."""
    client, _ = contender.load("slowest", "B:0", 2 * seconds)
    contender.server.ask(f"hold {seconds}")
    slowest = client.read()
    client.close()
    return {f"longest get while the GIL is held {seconds} s, ms": slowest["ms"]}


WORKLOADS = {
    "gets": (COUNT, lambda c, s: operations("gets", c, s)),
    "puts": (COUNT, lambda c, s: operations("puts", c, s)),
    "blocks": (COUNT, lambda c, s: operations("blocks", c, s)),
    "posts": (COUNT, lambda c, s: posts(20_000, c, s)),
    "flood": (COUNT, lambda c, s: posts(200_000, c, s)),
    "connect": (10_000, connect),
    "held": (COUNT, held),
}


def main():
    """Runs the workloads and prints the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=int, default=3)
    parser.add_argument("--only", nargs="+", choices=WORKLOADS, default=[*WORKLOADS])
    parser.add_argument("--contenders", nargs="+", default=["ours", "p4p", "softioc"])
    options = parser.parse_args()
    compile_load()
    table = {}
    for name in options.only:
        count, workload = WORKLOADS[name]
        for which in options.contenders:
            contender = Contender(which, count)
            try:
                for figure, number in workload(contender, options.seconds).items():
                    table.setdefault(figure, {})[which] = number
            finally:
                contender.server.close()
    print("| workload |", " | ".join(options.contenders), "|")
    print("|---|" + "---|" * len(options.contenders))
    for figure, row in table.items():
        cells = [f"{row[w]:.3g}" if w in row else "" for w in options.contenders]
        print(f"| {figure} |", " | ".join(cells), "|", flush=True)


if __name__ == "__main__":
    main()
