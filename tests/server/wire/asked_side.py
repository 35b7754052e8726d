"""A server that decides by itself which names it has: `python asked_side.py`.

It has each name that begins with "MINE:". Python is busy until the first command, which
has it answer searches until it is asked for a name, and returns by whom.
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

from pcaspy import Driver, SimpleServer, cas
from support.child_side import answer_commands, say


class Server(SimpleServer):
    asked = ()

    def pvExistTest(self, context, address, name):
        self.asked = (*self.asked, (name, str(address)))
        mine = name.startswith("MINE:")
        return cas.pverExistsHere if mine else cas.pverDoesNotExistHere


def main():
    server = Server()
    server.createPV("M:", {"A": {}})
    driver = Driver()
    server.start()
    say("READY", {"tcp_port": server.tcp_port})

    def handle(name):
        while name not in dict(server.asked):
            server.process(0.01)
        server.process(0.05)
        return [address for asked, address in server.asked if asked == name]

    answer_commands(handle)
    del driver


main()
