"""Alarms of numbers by their limits, of enums by their states, of strings by code."""

from pcaspy import Alarm, Driver, Severity, SimpleServer

PREFIX = "MTEST:"
PVDB = {
    "LEVEL": {
        "lolo": -20,
        "low": -10,
        "high": 10,
        "hihi": 20,
        "unit": "mm",
        "udf": False,
    },
    "DOOR": {
        "type": "enum",
        "enums": ["CLOSED", "OPEN", "BROKEN"],
        "states": [Severity.NO_ALARM, Severity.MINOR_ALARM, Severity.MAJOR_ALARM],
        "udf": False,
    },
    "MESSAGE": {"type": "string", "value": "ready", "udf": False},
}


class AlarmDriver(Driver):
    def write(self, reason, value):
        self.setParam(reason, value)
        if reason == "MESSAGE":
            if value.startswith("error"):
                self.setParamStatus(reason, Alarm.STATE_ALARM, Severity.MAJOR_ALARM)
            else:
                self.setParamStatus(reason, Alarm.NO_ALARM, Severity.NO_ALARM)
        self.updatePVs()
        return True


if __name__ == "__main__":
    server = SimpleServer()
    server.createPV(PREFIX, PVDB)
    driver = AlarmDriver()
    try:
        while True:
            server.process(0.1)
    except KeyboardInterrupt:
        pass
