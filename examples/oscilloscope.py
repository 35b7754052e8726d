"""A simulated oscilloscope with the records of asyn's testAsynPortDriver.

It looks at a noisy sine of 1 kHz and 1 V. The picture is 10 by 10 divisions of 1000
points; a thread makes a new one every `UpdateTime` seconds while `Run` is on. The
choices of volts per division depend on the vertical gain.
"""

import threading

import numpy as np

from pcaspy import Driver, Severity, SimpleServer

PREFIX = "testAPD:scope1:"
POINTS = 1000
DIVISIONS = 10
FREQUENCY = 1000.0
AMPLITUDE = 1.0
SHORTEST_UPDATE = 0.02

SECONDS_PER_DIV = [k * 1e-6 for k in (10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 1e4)]
GAINS = [1, 10, 100]
VOLTS_PER_DIV = [1.0, 2.0, 5.0, 10.0]


def volt_labels(gain):
    """What can be chosen as volts per division at this gain."""
    return [f"{volts / gain:.2f}" for volts in VOLTS_PER_DIV]


def number(value=0.0, prec=3, unit=""):
    return {"value": value, "prec": prec, "unit": unit}


def choice(labels, value=0):
    return {"type": "enum", "enums": labels, "value": value}


def picture():
    return {"count": POINTS, "prec": 3, "lolim": 0, "hilim": DIVISIONS}


RUN = {
    "type": "enum",
    "enums": ["Done", "Running"],
    "states": [Severity.NO_ALARM, Severity.MINOR_ALARM],
}
TIME_LABELS = [f"{1e3 * seconds:g} msec" for seconds in SECONDS_PER_DIV]

# A client sets these; each has its read-back, called NAME_RBV.
SETTINGS = {
    "Run": (choice(["Stop", "Run"], value=1), RUN),
    "UpdateTime": (number(0.5, unit="s"),) * 2,
    "VoltOffset": (number(unit="V"),) * 2,
    "TriggerDelay": (number(prec=5, unit="s"),) * 2,
    "NoiseAmplitude": (number(0.1, unit="V"),) * 2,
    "VoltsPerDivSelect": (choice(volt_labels(1)),) * 2,
}

PVDB = {
    **{name: setting for name, (setting, _) in SETTINGS.items()},
    **{f"{name}_RBV": readback for name, (_, readback) in SETTINGS.items()},
    "TimePerDivSelect": choice(TIME_LABELS, value=6),
    "VertGainSelect": choice([str(gain) for gain in GAINS]),
    "TimePerDiv_RBV": number(prec=5, unit="s"),
    "VertGain_RBV": number(prec=0),
    "VoltsPerDiv_RBV": number(prec=2, unit="V"),
    "MaxPoints_RBV": {"type": "int", "value": POINTS},
    "Waveform_RBV": picture(),
    "TimeBase_RBV": picture(),
    "MinValue_RBV": number(prec=4, unit="V"),
    "MaxValue_RBV": number(prec=4, unit="V"),
    "MeanValue_RBV": number(prec=4, unit="V"),
}


class Oscilloscope(Driver):
    def __init__(self):
        super().__init__()
        self.changed = threading.Event()
        self.random = np.random.default_rng()
        self.setParam("TimeBase_RBV", np.linspace(0, DIVISIONS, POINTS))
        for name in SETTINGS:
            self.setParam(f"{name}_RBV", self.getParam(name))
        self.set_scales()
        self.updatePVs()
        threading.Thread(target=self.simulate, daemon=True).start()

    def write(self, reason, value):
        if reason.endswith("_RBV"):
            return False
        if reason == "UpdateTime":
            value = max(value, SHORTEST_UPDATE)
        self.setParam(reason, value)
        if reason == "VertGainSelect":
            labels = volt_labels(GAINS[value])
            self.setParamEnums("VoltsPerDivSelect", labels)
            self.setParamEnums("VoltsPerDivSelect_RBV", labels)
        if reason in SETTINGS:
            self.setParam(f"{reason}_RBV", value)
        self.set_scales()
        self.updatePVs()
        self.changed.set()
        return True

    def set_scales(self):
        """Follow the three selectors with the numbers that they stand for."""
        gain = GAINS[self.getParam("VertGainSelect")]
        volts = VOLTS_PER_DIV[self.getParam("VoltsPerDivSelect")] / gain
        seconds = SECONDS_PER_DIV[self.getParam("TimePerDivSelect")]
        self.setParam("VertGain_RBV", gain)
        self.setParam("VoltsPerDiv_RBV", volts)
        self.setParam("TimePerDiv_RBV", seconds)

    def simulate(self):
        """Post a new picture every UpdateTime, at once after a change; a thread."""
        while True:
            running = self.getParam("Run")
            if running:
                self.post_picture()
            self.changed.wait(self.getParam("UpdateTime") if running else None)
            self.changed.clear()

    def post_picture(self):
        start = self.getParam("TriggerDelay")
        span = self.getParam("TimePerDiv_RBV") * DIVISIONS
        times = start + np.linspace(0, span, POINTS)
        noise = self.getParam("NoiseAmplitude") * self.random.uniform(-1, 1, POINTS)
        volts = AMPLITUDE * np.sin(2 * np.pi * FREQUENCY * times) + noise
        shown = (volts + self.getParam("VoltOffset")) / self.getParam("VoltsPerDiv_RBV")
        self.setParam("Waveform_RBV", shown + DIVISIONS / 2)
        self.setParam("MinValue_RBV", volts.min())
        self.setParam("MaxValue_RBV", volts.max())
        self.setParam("MeanValue_RBV", volts.mean())
        self.updatePVs()


if __name__ == "__main__":
    server = SimpleServer()
    server.createPV(PREFIX, PVDB)
    driver = Oscilloscope()
    try:
        while True:
            server.process(0.1)
    except KeyboardInterrupt:
        pass
