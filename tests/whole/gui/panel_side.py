"""Opens a PyDM panel and works with it; runs in PyDM's environment.

Usage: panel_side.py PANEL
"""

import os
import sys
import time

from pydm import PyDMApplication
from pydm.widgets import PyDMEnumComboBox, PyDMLabel, PyDMLineEdit, PyDMWaveformPlot

SECONDS = 40


def wait_for(application, what):
    deadline = time.monotonic() + SECONDS
    while not what():
        assert time.monotonic() < deadline, what.__code__
        application.processEvents()
        time.sleep(0.01)


def with_channel(window, kind, name):
    address = "ca://testAPD:scope1:" + name
    (found,) = [w for w in window.findChildren(kind) if w.channel == address]
    return found


application = PyDMApplication(ui_file=sys.argv[1], use_main_window=False)
panel = application.main_window or application.topLevelWidgets()[0]
labels = panel.findChildren(PyDMLabel)
assert len(labels) == 11
wait_for(application, lambda: all(label._connected for label in labels))

maximum = with_channel(panel, PyDMLabel, "MaxValue_RBV")
wait_for(application, lambda: maximum.text().startswith("1."))

plot = panel.findChild(PyDMWaveformPlot)
curve = plot.curveAtIndex(0)
wait_for(application, lambda: curve.yData is not None and len(curve.yData) == 1000)
assert max(curve.xData) == 10

# A choice and a number are put, and their read-backs follow.
run = with_channel(panel, PyDMEnumComboBox, "Run")
run.internal_combo_box_activated_int(0)
state = with_channel(panel, PyDMLabel, "Run_RBV")
wait_for(application, lambda: state.text() == "Done")

offset = with_channel(panel, PyDMLineEdit, "VoltOffset")
offset.setText("2.5")
offset.send_value()
shown = with_channel(panel, PyDMLabel, "VoltOffset_RBV")
wait_for(application, lambda: shown.text().startswith("2.5"))
print("done", flush=True)
application.closeAllWindows()
os._exit(0)  # what PyQt destroys at an ordinary exit may crash it
