"""PVs that come into being when a client asks for them, and go when one says so.

The suffix tells their kind: `_f3` is three floats, `_I5` the last five integers put,
`_c80` a text. The program keeps pcaspy's own tables of PVs and values itself.
"""

import re

from pcaspy import *  # noqa: F403 - the names it binds are what is shown here

PREFIX = "RELAY:"
FIXED = {
    "names": {"type": "char", "count": 2000, "value": ""},
    "delete": {"type": "char", "count": 100, "value": ""},
}
KINDS = {"f": "float", "i": "int", "c": "char"}
made = {}


class RelayDriver(Driver):  # noqa: F405
    """Stores what is put; `delete` takes the name of the PV that goes."""

    def __init__(self):
        Driver.__init__(self)  # noqa: F405

    def tell_names(self):
        """Publish which PVs there are."""
        self.setParam("names", ",".join(sorted(made)))
        self.updatePV("names")

    def remove(self, reason):
        """Take a PV out of every table."""
        if reason not in made:
            return False
        del made[reason]
        self.pvDB.pop(reason)
        driver.manager.pvs[self.port].pop(reason)  # noqa: F405
        driver.manager.pvf.pop(PREFIX + reason)  # noqa: F405
        self.tell_names()
        return True

    def append(self, reason, value):
        """The newest value behind the ones of before."""
        info = self.getParamInfo(reason)
        kept = self.getParam(reason)
        if not isinstance(kept, (list, str)):
            kept = [kept]
        kept = kept[-(info["count"] - 1) :] if len(kept) == info["count"] else kept
        self.setParam(reason, kept + (value if info["type"] == 2 else [value]))
        self.updatePV(reason)

    def write(self, reason, value):
        """A put; what it answers is the value itself, which need not be true."""
        status = True
        if reason == "delete":
            status = self.remove(value)
            if status:
                self.setParam(reason, value)
        elif reason in made:
            if reason.rsplit("_", 1)[1][0].isupper():
                self.append(reason, value)
            else:
                self.setParam(reason, value)
        else:
            status = False
        return self.getParam(reason) if status else status


class RelayServer(SimpleServer):  # noqa: F405
    """Says yes to every name of the right form; makes the PV when it is attached."""

    def __init__(self):
        SimpleServer.__init__(self)  # noqa: F405
        self.port = "default"

    def pvExistTest(self, context, addr, fullname):
        """Whether a name is served."""
        if fullname.startswith(PREFIX) and re.search(r"_[ficFI]\d+$", fullname):
            return cas.pverExistsHere  # noqa: F405
        return SimpleServer.pvExistTest(self, context, addr, fullname)  # noqa: F405

    def pvAttach(self, context, fullname):
        """The PV of a name, made now if it is new."""
        reason = fullname[len(PREFIX) :]
        if reason in FIXED:
            return SimpleServer.pvAttach(self, context, fullname)  # noqa: F405
        if reason not in made:
            self.make(reason, fullname)
        return made[reason]

    def make(self, reason, fullname):
        """Put a new PV into every table."""
        kind, count = re.search(r"_(.)(\d+)$", reason).groups()
        fields = {"type": KINDS[kind.lower()], "count": int(count), "value": 0}
        if kind.lower() == "c":
            fields["value"] = ""
        info = PVInfo(fields)  # noqa: F405
        info.reason, info.name = reason, fullname
        pv = made[reason] = SimplePV(fullname, info)  # noqa: F405
        driver.manager.pvf[info.name] = pv  # noqa: F405
        driver.manager.pvs[self.port][reason] = pv  # noqa: F405
        data = driver.Data()  # noqa: F405
        data.value = pv.info.value
        relay.pvDB[reason] = data
        relay.tell_names()


server = RelayServer()
server.createPV(PREFIX, FIXED)
relay = RelayDriver()
while True:
    server.process(0.01)
