"""Labels, units and alarms that change while clients look; PVs that are asked for."""

import re

from pcaspy import Alarm, Driver, Severity, SimpleServer, cas

PREFIX = "PROP:"
LABELS = "ZERO ONE TWO THREE FOUR FIVE SIX SEVEN EIGHT NINE TEN".split()
PVS = {
    "ENUM": {"type": "enum", "enums": LABELS[:2]},
    "KEPT": {"type": "enum", "enums": LABELS[:2]},
    "NUMBER": {},
    "NUMBER.PREC": {"type": "int"},
    "NUMBER.EGU": {"type": "string"},
    "CHANGE": {"type": "int", "value": 2},
    "WAVE": {"count": 5, "value": [1] * 5, "low": -5, "high": 5, "lolo": -9, "hihi": 9},
    "STATUS": {"type": "enum", "enums": ["OK", "ERROR"], "states": [0, 2]},
    "MESSAGE": {"type": "str"},
    "LONG": {"type": "char", "count": 300, "value": "some initial message"},
}
spectra = {}


class Spectrum(cas.casPV):
    """A number a hundred times."""

    def __init__(self, name):
        cas.casPV.__init__(self)
        self.name = name
        self.index = int(re.search(r"(\d+)$", name).group(1))

    def getValue(self, value):
        """What a client gets."""
        value.put([self.index] * 100)
        return cas.S_casApp_success

    def maxDimension(self):
        """It is an array."""
        return 1

    def maxBound(self, dims):
        """Its length."""
        return 100


class Properties(Driver):
    """Puts to CHANGE and to fields change what others look like."""

    def __init__(self):
        super().__init__()

    def write(self, reason, value):
        """Refuses what it does not know."""
        status = True
        if reason == "CHANGE":
            status = 1 <= value <= 11
            if status:
                self.setParamEnums("ENUM", LABELS[:value])
                self.setParamEnums("KEPT", LABELS[:value], [2] * value)
        elif reason == "KEPT":
            status = False
        elif reason == "NUMBER.EGU":
            self.setParamInfo("NUMBER", {"unit": value})
        elif reason == "NUMBER.PREC":
            self.setParamInfo("NUMBER", {"prec": value})
        if status:
            self.setParam(reason, value)
        if reason == "MESSAGE" and value:
            self.setParamStatus(reason, Alarm.COMM_ALARM, Severity.MINOR_ALARM)
        self.updatePVs()
        return status


class Server(SimpleServer):
    """Knows spectra besides its PVs."""

    def __init__(self):
        SimpleServer.__init__(self)

    def pvExistTest(self, context, addr, fullname):
        """Whether a name is served."""
        if fullname.startswith(f"{PREFIX}SPECTRUM"):
            return cas.pverExistsHere
        return SimpleServer.pvExistTest(self, context, addr, fullname)

    def pvAttach(self, context, fullname):
        """The PV of a name; a spectrum is made once."""
        if fullname.startswith(f"{PREFIX}SPECTRUM"):
            if fullname not in spectra:
                spectra[fullname] = Spectrum(fullname)
            return spectra[fullname]
        return SimpleServer.pvAttach(self, context, fullname)


server = Server()
server.createPV(PREFIX, PVS)
driver = Properties()
while True:
    server.process(0.1)
