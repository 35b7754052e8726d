"""Two servers in one process, one has the input of the other's rule.

`python access_two_servers.py ACF`. Prints the rights that a client of the second gets.
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

import pcaspy
from pcaspy.testing import IsolatedServer
from support.wire import ACCESS_RIGHTS, Circuit


def main():
    levels = IsolatedServer()
    levels.createPV("T:", {"LEVEL": {"value": 1}, "OPEN": {"type": "int"}})
    level = pcaspy.Driver(levels)
    level.setParam("LEVEL", 1)
    valves = IsolatedServer()
    valves.createPV("T:", {"FILL": {"asg": "fill"}})
    pcaspy.Driver(valves)
    with valves, levels:
        pcaspy.SimpleServer.initAccessSecurityFile(sys.argv[1], P="T:")
        with Circuit(("127.0.0.1", valves.tcp_port)) as circuit:
            fill = circuit.create("T:FILL")
            told = [fill.rights]
            third = IsolatedServer()  # comes and goes: the inputs stay
            third.start()
            third.close()
            for value in (None, 7, 3):
                if value is not None:
                    level.setParam("LEVEL", value)
                    level.updatePVs()
                if value is not None or fill.rights == 1:
                    told.append(circuit.expect(ACCESS_RIGHTS, p1=fill.cid).p2)
    print(told[-3:], flush=True)


if __name__ == "__main__":
    main()
