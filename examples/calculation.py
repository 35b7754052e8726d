"""A calculation between two servers: watches the PVs of one, is the other itself.

POWER:WATTS is PSU:VOLTAGE times PSU:CURRENT, calculated with each update of either,
with the time of the later one. While an input is missing or INVALID so is the result.
"""

import asyncio

from aioca import FORMAT_TIME, camonitor
from pcaspy import Alarm, Driver, Severity, SimpleServer
from pcaspy.cas import epicsTimeStamp
from pcaspy.tools import ServerThread

INPUTS = ["PSU:VOLTAGE", "PSU:CURRENT"]
PREFIX = "POWER:"
PVDB = {"WATTS": {"prec": 2, "unit": "W", "high": 50, "hihi": 80}}


class PowerDriver(Driver):
    def __init__(self):
        super().__init__()
        self.inputs = [None] * len(INPUTS)

    def take(self, value, index):
        """An update, or a CANothing while there is no connection."""
        usable = value.ok and value.severity < Severity.INVALID_ALARM
        self.inputs[index] = value if usable else None
        if None in self.inputs:
            self.setParamStatus("WATTS", Alarm.LINK_ALARM, Severity.INVALID_ALARM)
        else:
            voltage, current = self.inputs
            latest = max(voltage.timestamp, current.timestamp)
            stamp = epicsTimeStamp.fromPosixTimeStamp(latest)
            self.setParam("WATTS", voltage * current, stamp)
        self.updatePVs()

    def write(self, reason, value):
        return False  # a result is not set


async def main():
    server = SimpleServer()
    server.createPV(PREFIX, PVDB)
    driver = PowerDriver()
    thread = ServerThread(server)
    thread.start()
    camonitor(INPUTS, driver.take, format=FORMAT_TIME, notify_disconnect=True)
    try:
        await asyncio.Event().wait()
    finally:
        thread.stop()
        thread.join()


if __name__ == "__main__":
    try:
        asyncio.run(main())
    except KeyboardInterrupt:
        pass
