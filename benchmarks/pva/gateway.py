"""This server directly and behind p4p's gateway, with the same pvxs client.

    gateway.py [--seconds N] [--rounds N]

Prints a table of medians; the two take turns. The gateway shares the processors with
server and client.
"""

import argparse
import json
import subprocess
import tempfile
from collections import defaultdict
from pathlib import Path
from statistics import median

from run import COUNT, Contender, compile_load, operations, posts

from support.peers import peer_python
from support.ports import LOOPBACK, free_port


class Direct(Contender):
    """The server alone."""

    def __init__(self):
        super().__init__("ours", COUNT)

    def close(self):
        """Ends it."""
        self.server.close()


class Behind(Contender):
    """The server, and a gateway that the clients use instead of it."""

    def __init__(self, count, folder):
        super().__init__("ours", count)
        self.port = free_port()
        path = Path(folder) / "gateway.json"
        path.write_text(json.dumps(self.config()))
        self.gateway = subprocess.Popen(
            [str(peer_python("p4p").with_name("pvagw")), str(path)],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        self.client_env = self.client_env | {
            "EPICS_PVA_NAME_SERVERS": f"{LOOPBACK}:{self.port}",
            "EPICS_PVA_ADDR_LIST": "",
        }

    def config(self):
        """One client and one server of the gateway, on loopback."""
        env = self.client_env
        upstream = {
            "name": "inside",
            "provider": "pva",
            "addrlist": LOOPBACK,
            "autoaddrlist": False,
            "bcastport": int(env["EPICS_PVAS_BROADCAST_PORT"]),
        }
        downstream = {
            "name": "outside",
            "clients": ["inside"],
            "interface": [LOOPBACK],
            "addrlist": LOOPBACK,
            "autoaddrlist": False,
            "serverport": self.port,
            "bcastport": free_port(),
        }
        return {"version": 2, "clients": [upstream], "servers": [downstream]}

    def close(self):
        """Ends both."""
        self.gateway.kill()
        self.gateway.wait()
        self.server.close()


def figures(contender, seconds):
    """{figure: number} of all workloads; the PVs are connected before each."""
    found = {}
    for kind in ("gets", "puts", "blocks"):
        found |= operations(kind, contender, seconds)
    client, _ = contender.load("gets", "B:0", seconds)
    ended = client.read()
    client.close()
    found["one get at a time, mean, us"] = 1e6 * ended["seconds"] / ended["done"]
    for rate in (20_000, 100_000):
        found |= posts(rate, contender, seconds)
    return found


def cold(contender):
    """Seconds until a client has all PVs; the gateway knows none of them yet."""
    client, ready = contender.load("monitor", f"B:*{COUNT}")
    client.close()
    return {"1,000 monitors from cold, s": ready["seconds"]}


def main():
    """Measures both and prints the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=int, default=3)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    compile_load()
    found = defaultdict(lambda: ([], []))
    with tempfile.TemporaryDirectory() as folder:
        for _ in range(options.rounds):
            for column, make in enumerate((Direct, lambda: Behind(COUNT, folder))):
                contender = make()
                try:
                    measured = cold(contender) | figures(contender, options.seconds)
                finally:
                    contender.close()
                for figure, number in measured.items():
                    found[figure][column].append(number)
    print("| workload | direct | through the gateway |")
    print("|---|---|---|")
    for figure, columns in found.items():
        direct, behind = (f"{median(c):.3g}" if c else "" for c in columns)
        print(f"| {figure} | {direct} | {behind} |")


if __name__ == "__main__":
    main()
