"""PVs with the fields of the records in fields.db: `python fields_server.py PREFIX`."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from pcaspy import Driver, SimpleServer
from support.child_side import answer_commands_in_thread, say

LIMITS = {"hihi": 90, "high": 80, "low": 5, "lolo": 1}
ANALOG = {
    "value": 20.5,
    "prec": 2,
    "unit": "degC",
    "desc": "of the hall",
    "hilim": 100,
    "lolim": -10,
    "adel": 0.5,
    "mdel": 0.25,
    **LIMITS,
}
BINARY = {"type": "enum", "enums": ["Off", "On"], "states": [0, 1], "value": 1}
MULTI = {"type": "enum", "enums": ["A", "B", "C"], "states": [0, 1, 0], "value": 1}
PVDB = {
    "AI": {**ANALOG, "scan": 10},
    "AO": {**ANALOG, "drvh": 99, "drvl": -5},
    "PLAIN": {"value": 20.5, "prec": 0},
    "LI": {
        "type": "int",
        "value": 95,
        "unit": "cts",
        "hilim": 100,
        "hihi": 90,
        "scan": 10,
    },
    "LO": {
        "type": "int",
        "value": 7,
        "unit": "cts",
        "hilim": 100,
        "drvh": 50,
        "drvl": -50,
    },
    "BI": {**BINARY, "scan": 0.5},
    "BO": BINARY,
    "MI": {**MULTI, "scan": 2},
    "MO": MULTI,
    "SI": {"type": "string", "value": "hello", "scan": 5},
    "SO": {"type": "string", "value": "hello"},
    "WF": {"count": 10, "unit": "V", "prec": 3, "hilim": 5, "value": []},
    "WC": {"type": "char", "count": 100, "value": []},
    "WS": {"type": "string", "count": 3, "value": []},
    "MARK": {"type": "int", "value": 0},
    # of no record
    "OWN": {"value": 1, "unit": "mm"},
    "OWN.EGU": {"type": "string", "value": "my own"},
    "OWN.X": {"value": 2},
    "CLOSED": {"value": 1, "asg": "READERS"},
    "LOCKED": {"value": 1, "readonly": True},
    "ASKED": {"value": 1},
    "LATER": {"value": 1},
}
RULES = """
ASG(DEFAULT) { RULE(1, WRITE) }
ASG(READERS) { RULE(1, READ) }
"""


class Sides(Driver):
    """Counts what PROC makes it read."""

    reads = 0

    async def later(self):
        self.reads += 1
        return 200 + self.reads

    def read(self, reason):
        if reason == "LATER":
            return self.later()
        if reason == "ASKED":
            self.reads += 1
            return 100 + self.reads
        return self.getParam(reason)


def main():
    prefix = sys.argv[1]
    server = SimpleServer(defined=True, pva="pva" in sys.argv)
    server.createPV(prefix, PVDB)
    driver = Sides()
    rules = Path(sys.argv[2]) if len(sys.argv) > 2 and sys.argv[2] != "pva" else None
    if rules is not None:
        rules.write_text(RULES)
        server.initAccessSecurityFile(str(rules))
    server.start()

    def command(do, **args):
        return globals()["do_" + do](server, prefix, driver, **args)

    ports = {"tcp_port": server.tcp_port, "udp_port": server.udp_port}
    say("READY", {**ports, "pva_udp_port": server.pva_udp_port})
    ended = answer_commands_in_thread(command)
    while not ended.is_set():
        server.process(0.05)


def do_info(server, prefix, driver, reason, fields):
    driver.setParamInfo(reason, fields)
    driver.updatePVs()


def do_enums(server, prefix, driver, reason, enums):
    driver.setParamEnums(reason, enums)
    driver.updatePVs()


def do_set(server, prefix, driver, reason, value):
    driver.setParam(reason, value)
    driver.updatePVs()


def do_entry(server, prefix, driver, reason):
    return driver.getParamInfo(reason)


def do_reads(server, prefix, driver):
    return driver.reads


def do_create(server, prefix, driver, pvdb):
    server.createPV(prefix, pvdb)


def do_remove(server, prefix, driver, reason):
    from pcaspy.driver import manager

    del manager.pvf[prefix + reason]


if __name__ == "__main__":
    main()
