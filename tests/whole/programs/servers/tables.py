"""Parameters whose tables are replaced, edited and read back while clients use them."""

from pcaspy import Alarm, Driver, SimpleServer
from pcaspy.driver import Data, manager

PREFIX = "TABLES:"
PVS = {
    "STRENGTH": {"prec": 4, "unit": "A", "hilim": 10, "lolim": -10, "value": 1.0},
    "STATE": {"type": "enum", "enums": ["Off", "On"], "states": [0, 2], "value": 0},
    "WAVE": {"count": 6, "value": [1.0] * 6, "adel": 0.5, "mdel": 0.25},
    "TEXT": {"type": "char", "count": 60, "value": "begin"},
    "ADD": {"type": "char", "count": 40},
    "REMOVE": {"type": "char", "count": 40},
    "LIMITS": {"count": 2, "value": [0, 0]},
    "FIELDS": {"type": "string"},
    "STATUS": {"type": "int"},
}


class Tables(Driver):
    """Each of its commands does what programs do with pcaspy's own tables."""

    port = "tables"

    def add(self, name):
        """Create every PV again, and the new one with them."""
        PVS[name] = {"type": "char", "count": 30, "value": [0], "port": self.port}
        server.createPV(PREFIX, PVS)
        data = Data()
        data.value = manager.pvs[self.port][name].info.value
        self.pvDB[name] = data

    def remove(self, name):
        """Take a PV out of every table."""
        fullname = manager.pvs[self.port][name].name
        del manager.pvs[self.port][name]
        del manager.pvf[fullname]
        del self.pvDB[name]
        del PVS[name]

    def limits(self, low, high):
        """All fields as they are told, with other limits."""
        fields = self.getParamInfo("STRENGTH")
        fields.update(lolim=low, low=low, lolo=low, hilim=high, high=high, hihi=high)
        fields.pop("type")
        fields.pop("value")
        self.setParamInfo("STRENGTH", fields)
        self.updatePV("STRENGTH")

    def write(self, reason, value):
        """A command, or a value to keep."""
        if reason == "ADD":
            self.add(value)
        elif reason == "REMOVE":
            self.remove(value)
        elif reason == "LIMITS":
            self.limits(*value)
        elif reason == "FIELDS":
            found = self.getParamInfo(
                value, ["count", "prec", "unit", "name", "reason"]
            )
            value = ",".join(f"{key}={found[key]}" for key in sorted(found))[:39]
        elif reason == "STATUS":
            for name in ("STRENGTH", "STATE", "TEXT"):
                self.setParamStatus(name, Alarm.TIMEOUT_ALARM, value)
                self.updatePV(name)
        self.setParam(reason, value)
        self.updatePVs()
        return True


for fields in PVS.values():
    fields["port"] = Tables.port
server = SimpleServer()
server.createPV(PREFIX, PVS)
tables = Tables()
while True:
    server.process(0.05)
