"""What a screen of the oscilloscope shows: scope_gui.py and the panels have it here."""

from oscilloscope import DIVISIONS, PREFIX

TITLE = "Oscilloscope"
# The picture as the server has it, in divisions. The range is fixed: a trace that
# leaves it is out of sight, as on a real screen.
X_PV, Y_PV = "TimeBase_RBV", "Waveform_RBV"
X_TITLE, Y_TITLE = "Time (divisions)", "Voltage (divisions)"
RANGE = (0, DIVISIONS)

# Title of a group: (label, kind of the setting, setting, readback). A row without a
# setting only shows something.
GROUPS = {
    "Acquisition": [
        ("Run", "choice", "Run", "Run_RBV"),
        ("Update time", "number", "UpdateTime", "UpdateTime_RBV"),
    ],
    "Horizontal": [
        ("Time per division", "choice", "TimePerDivSelect", "TimePerDiv_RBV"),
        ("Trigger delay", "number", "TriggerDelay", "TriggerDelay_RBV"),
    ],
    "Vertical": [
        ("Gain", "choice", "VertGainSelect", "VertGain_RBV"),
        ("Volts per division", "choice", "VoltsPerDivSelect", "VoltsPerDiv_RBV"),
        ("Offset", "number", "VoltOffset", "VoltOffset_RBV"),
    ],
    "Signal": [
        ("Noise", "number", "NoiseAmplitude", "NoiseAmplitude_RBV"),
        ("Minimum", "", "", "MinValue_RBV"),
        ("Maximum", "", "", "MaxValue_RBV"),
        ("Mean", "", "", "MeanValue_RBV"),
    ],
}

__all__ = [
    "GROUPS",
    "PREFIX",
    "RANGE",
    "TITLE",
    "X_PV",
    "X_TITLE",
    "Y_PV",
    "Y_TITLE",
]
