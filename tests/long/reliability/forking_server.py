"""Forks from several threads while it serves: `python forking_server.py FORKS [ACF]`.

Other threads do meanwhile what takes locks of the server: PVs are made and removed,
values posted, counters read, rules loaded. A child ends at once, or serves a get of its
own first. Prints how the children ended.
"""

import os
import signal
import sys
import threading
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

import pcaspy
from pcaspy import Driver, SimpleServer
from pcaspy.testing import IsolatedServer
from pcaspy.tools import ServerThread
from support.child_side import answer_commands_in_thread, say
from support.wire import Circuit

FORKERS = 3


class Reads(Driver):
    def read(self, reason):
        return self.getParam(reason)


def busy(server, driver, rules, stop):
    """What a program does besides."""
    n = 0
    while not stop.is_set():
        n += 1
        server.createPV("F:", {f"NEW{n % 50}": {"asg": "fill"}})
        driver.setParam("A", n)
        driver.updatePVs()
        server.stats()
        del pcaspy.driver.manager.pvf[f"F:NEW{n % 50}"]
        if rules and n % 20 == 0:
            server.initAccessSecurityFile(rules, P="F:")


def serve_in_child():
    """A server that is made in the child works there."""
    with IsolatedServer() as server:
        server.createPV("C:", {"A": {}})
        with Circuit(("127.0.0.1", server.tcp_port)) as circuit:
            circuit.create("C:A")


def fork(forks, ended):
    """Forks again and again; how each child ended."""
    for n in range(forks):
        pid = os.fork()
        if pid == 0:
            signal.alarm(60)
            if n % 50 == 0:
                serve_in_child()
            os._exit(0)
        ended.append(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))


def main():
    forks, *rules = sys.argv[1:]
    server = SimpleServer()
    if rules:
        server.initAccessSecurityFile(rules[0], P="F:")
    server.createPV("F:", {"A": {}, "LEVEL": {"value": 1}})
    driver = Reads()
    thread = ServerThread(server)
    server.start()
    thread.start()
    stop, ended = threading.Event(), []
    worker = threading.Thread(
        target=busy, args=[server, driver, rules[0] if rules else None, stop]
    )
    worker.start()
    say("READY", {"tcp_port": server.tcp_port, "udp_port": server.udp_port})
    forkers = [
        threading.Thread(target=fork, args=[int(forks) // FORKERS, ended])
        for _ in range(FORKERS)
    ]
    for forker in forkers:
        forker.start()

    def handle(do):
        for forker in forkers:
            forker.join()
        return sorted(set(ended)), len(ended)

    closed = answer_commands_in_thread(handle)
    closed.wait()
    stop.set()
    worker.join()
    thread.stop()
    thread.join()


if __name__ == "__main__":
    main()
