"""Forks with inputs of access security connected: `python access_fork.py ACF`.

Prints how each child ended. A child may exit as it likes, load rules, and serve; it
must not hang, nor disturb the parent.
"""

import os
import signal
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

import pcaspy
from pcaspy import cas
from pcaspy.testing import IsolatedServer
from support.wire import ACCESS_RIGHTS, Circuit

PVDB = {"LEVEL": {"value": 1}, "OPEN": {"type": "int"}, "FILL": {"asg": "fill"}}


def serve_in_child():
    """A new server in the child: rules without inputs hold, the others refuse."""
    with IsolatedServer() as server:
        server.createPV("C:", {"FILL": {"asg": "fill"}, "NO": {"asg": "closed"}})
        with Circuit(("127.0.0.1", server.tcp_port)) as circuit:
            rights = [circuit.create("C:" + name).rights for name in ("FILL", "NO")]
    assert rights == [1, 0], rights


def refuse_inputs():
    with IsolatedServer():
        try:
            cas.asCaStart()
        except RuntimeError:
            return
        raise AssertionError("inputs started")


def bad_file(rules):
    try:
        cas.asInitFile("/dev/null")
    except ValueError:
        cas.asInitFile(rules, "P=T:")
        return
    raise AssertionError("an empty file was accepted")


def in_child(what):
    """Run `what` in a child; how it ended."""
    pid = os.fork()
    if pid == 0:
        signal.alarm(20)
        what()
        sys.exit(7)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def main():
    rules = sys.argv[1]
    server = IsolatedServer()
    server.createPV("T:", PVDB)
    driver = pcaspy.Driver()
    server.initAccessSecurityFile(rules, P="T:")
    driver.setParam("LEVEL", 1)
    with server, Circuit(("127.0.0.1", server.tcp_port)) as circuit:
        fill = circuit.create("T:FILL")
        if fill.rights != 3:
            circuit.expect(ACCESS_RIGHTS, p1=fill.cid, p2=3)
        children = [
            lambda: None,
            serve_in_child,
            refuse_inputs,
            lambda: bad_file(rules),
        ]
        print([in_child(child) for child in children], flush=True)
        driver.setParam("LEVEL", 9)
        driver.updatePVs()
        circuit.expect(ACCESS_RIGHTS, p1=fill.cid, p2=1)
    print("parent", time.process_time() > 0, flush=True)


if __name__ == "__main__":
    main()
