"""A low-level server that makes PVs when clients ask: `by_request_side.py PREFIX`.

Where it listens comes from EPICS_*. It has every name that begins with its prefix, but
those with "NOT" in them; "REFUSED" is found, but not attached.
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

from pcaspy import cas
from servers.lowlevel_server import Base
from support.child_side import answer_commands_in_thread, say


class Server(cas.caServer):
    def __init__(self, prefix):
        super().__init__(pva=True, udp_port=0, tcp_port=0)
        self.prefix, self.pvs, self.asked = prefix, {}, []

    def pvExistTest(self, context, address, name):
        self.asked.append(["exists", name])
        here = name.startswith(self.prefix) and "NOT" not in name
        return cas.pverExistsHere if here else cas.pverDoesNotExistHere

    def pvAttach(self, context, name):
        self.asked.append(["attach", name])
        if "REFUSED" in name or not name.startswith(self.prefix):
            return cas.S_casApp_pvNotFound
        if name not in self.pvs:
            self.pvs[name] = Base(name)
        return self.pvs[name]


class Commands:
    """What a test can tell this server; runs in the command thread."""

    def __init__(self, server):
        self.server = server

    def __call__(self, do, **arguments):
        return getattr(self, do)(**arguments)

    def stats(self):
        return dict(self.server._pcaspy.stats())

    def asked(self):
        return self.server.asked

    def interest(self, name):
        return self.server.pvs[self.server.prefix + name].interest_calls

    def post(self, name, value):
        pv = self.server.pvs[self.server.prefix + name]
        pv.value.put(value)
        pv.value.setTimeStamp()
        pv.postEvent(cas.DBE_VALUE, pv.value)


def main():
    server = Server(sys.argv[1])
    server.start()
    ports = ["pva_tcp_port", "pva_udp_port"]
    say("READY", {name: getattr(server, name) for name in ports})
    ended = answer_commands_in_thread(Commands(server))
    while not ended.is_set():
        server._pcaspy.process(0.02)
    server.close()


if __name__ == "__main__":
    main()
