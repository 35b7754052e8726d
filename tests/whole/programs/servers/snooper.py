"""Prints who looks for which PV."""

from pcaspy import cas


class Snooper(cas.caServer):
    """Has nothing itself."""

    def __init__(self):
        cas.caServer.__init__(self)

    def __del__(self):
        cas.asCaStop()

    def pvExistTest(self, context, addr, fullname):
        """Each search ends here."""
        print(addr.stringConvert(1024).rpartition(":")[0], fullname, flush=True)
        return cas.pverDoesNotExistHere

    def pvAttach(self, context, fullname):
        """Never asked."""
        return cas.S_casApp_pvNotFound


snooper = Snooper()
while True:
    cas.process(0.1)
