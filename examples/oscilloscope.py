"""A simulated oscilloscope with the records of asyn's testAsynPortDriver.

It looks at a noisy sine of 1 kHz and 1 V. The picture is 10 by 10 divisions of 1000
points; a thread makes a new one every `UpdateTime` seconds while `Run` is on. A setting
changes the picture at once, so that picture and scales always belong together. The
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


def number(value=0.0, prec=3, unit="", **limits):
    return {"value": value, "prec": prec, "unit": unit, **limits}


def setting(value, prec, unit, low, high):
    return number(value, prec, unit, lolim=low, hilim=high)


def choice(labels, value=0):
    return {"type": "enum", "enums": labels, "value": value}


def picture():
    return {"count": POINTS, "prec": 3, "unit": "div", "lolim": 0, "hilim": DIVISIONS}


def measured():
    return number(prec=4, unit="V", lolo=-5, low=-2, high=2, hihi=5)


RUN = {
    "type": "enum",
    "enums": ["Done", "Running"],
    "states": [Severity.NO_ALARM, Severity.MINOR_ALARM],
}
TIME_LABELS = [f"{1e3 * seconds:g} msec" for seconds in SECONDS_PER_DIV]

# A client sets these; each has its read-back, called NAME_RBV.
SETTINGS = {
    "Run": (choice(["Stop", "Run"], value=1), RUN),
    "UpdateTime": (setting(0.5, 3, "s", SHORTEST_UPDATE, 10),) * 2,
    "VoltOffset": (setting(0, 3, "V", -10, 10),) * 2,
    "TriggerDelay": (setting(0, 5, "s", 0, 0.01),) * 2,
    "NoiseAmplitude": (setting(0.1, 3, "V", 0, 10),) * 2,
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
    "MinValue_RBV": measured(),
    "MaxValue_RBV": measured(),
    "MeanValue_RBV": measured(),
}


def accepts(reason, value):
    """Whether a choice exists or a number is within its limits; NaN never is."""
    field = PVDB[reason]
    if "enums" in field:
        return 0 <= value < len(field["enums"])
    return field["lolim"] <= value <= field["hilim"]


class Oscilloscope(Driver):
    def __init__(self):
        super().__init__()
        self.lock = threading.Lock()  # a change and its picture, one at a time
        self.changed = threading.Event()
        self.random = np.random.default_rng()
        self.setParam("TimeBase_RBV", np.linspace(0, DIVISIONS, POINTS))
        for name in SETTINGS:
            self.setParam(f"{name}_RBV", self.getParam(name))
        # A PV is undefined, and so in alarm, until it is set.
        for name in PVDB:
            self.setParam(name, self.getParam(name))
        self.take_samples()
        self.show_picture()
        self.updatePVs()
        threading.Thread(target=self.simulate, daemon=True).start()

    def write(self, reason, value):
        if reason == "UpdateTime":
            value = max(value, SHORTEST_UPDATE)
        if reason.endswith("_RBV") or not accepts(reason, value):
            return False
        with self.lock:
            self.setParam(reason, value)
            if reason == "VertGainSelect":
                labels = volt_labels(GAINS[value])
                self.setParamEnums("VoltsPerDivSelect", labels)
                self.setParamEnums("VoltsPerDivSelect_RBV", labels)
            if reason in SETTINGS:
                self.setParam(f"{reason}_RBV", value)
            self.show_picture()
            self.updatePVs()
        if reason in ("Run", "UpdateTime"):
            self.changed.set()
        return True

    def simulate(self):
        """Post a new picture every UpdateTime; a thread."""
        while True:
            running = self.getParam("Run")
            if running:
                with self.lock:
                    self.take_samples()
                    self.show_picture()
                    self.updatePVs()
            self.changed.wait(self.getParam("UpdateTime") if running else None)
            self.changed.clear()

    def take_samples(self):
        """Only the noise is new: the sine can be calculated for any time."""
        self.samples = self.random.uniform(-1, 1, POINTS)

    def show_picture(self):
        """Set the scales, then the picture: clients get them in this order."""
        seconds = SECONDS_PER_DIV[self.getParam("TimePerDivSelect")]
        gain = GAINS[self.getParam("VertGainSelect")]
        volts_per_div = VOLTS_PER_DIV[self.getParam("VoltsPerDivSelect")] / gain
        self.setParam("TimePerDiv_RBV", seconds)
        self.setParam("VertGain_RBV", gain)
        self.setParam("VoltsPerDiv_RBV", volts_per_div)
        start = self.getParam("TriggerDelay")
        times = start + np.linspace(0, seconds * DIVISIONS, POINTS)
        noise = self.getParam("NoiseAmplitude") * self.samples
        volts = AMPLITUDE * np.sin(2 * np.pi * FREQUENCY * times) + noise
        shown = (volts + self.getParam("VoltOffset")) / volts_per_div
        self.setParam("Waveform_RBV", shown + DIVISIONS / 2)
        self.setParam("MinValue_RBV", volts.min())
        self.setParam("MaxValue_RBV", volts.max())
        self.setParam("MeanValue_RBV", volts.mean())


if __name__ == "__main__":
    server = SimpleServer()
    server.createPV(PREFIX, PVDB)
    driver = Oscilloscope()
    try:
        while True:
            server.process(0.1)
    except KeyboardInterrupt:
        pass
