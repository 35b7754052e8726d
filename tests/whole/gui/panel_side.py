"""Opens a PyDM panel and works with it; runs in PyDM's environment.

Usage: panel_side.py PANEL [PICTURE], the second to save a picture and end
"""

import os
import sys

import epics
from pydm import PyDMApplication
from pydm.widgets import PyDMEnumComboBox, PyDMLabel, PyDMLineEdit, PyDMWaveformPlot
from pydm.widgets.base import PyDMWidget
from waiting import wait_for

PREFIX = "ca://testAPD:scope1:"
MINOR, INVALID, MAGENTA = 1, 3, "#eb00eb"


class Panel:
    """The panel, and its widgets by the names of their PVs."""

    def __init__(self, file):
        self.application = PyDMApplication(ui_file=file, use_main_window=False)
        self.window = self.application.main_window
        if self.window is None:
            self.window = self.application.topLevelWidgets()[0]
        self.widgets = {
            widget.channel.removeprefix(PREFIX): widget
            for kind in (PyDMLabel, PyDMLineEdit, PyDMEnumComboBox)
            for widget in self.window.findChildren(kind)
        }
        self.plot = self.window.findChild(PyDMWaveformPlot)
        self.curve = self.plot.curveAtIndex(0)
        self.wait(lambda: all(w._connected for w in self.widgets.values()))
        self.wait(lambda: all(self.is_filled(name) for name in self.widgets))
        self.wait(lambda: self.curve.yData is not None and len(self.curve.yData) > 1)

    def wait(self, what, found=None):
        wait_for(self.application, what, found)

    def is_filled(self, name):
        return self.widgets[name].value is not None and self.text(name) != ""

    def text(self, name):
        widget = self.widgets[name]
        if isinstance(widget, PyDMEnumComboBox):
            return widget.currentText()
        return widget.text()

    def wait_text(self, name, text):
        self.wait(lambda: self.text(name) == text, lambda: (self.text(name), text))

    def put(self, name, text):
        self.widgets[name].setText(text)
        self.widgets[name].send_value()

    def choose(self, name, index):
        self.widgets[name].internal_combo_box_activated_int(index)

    def magenta(self):
        """How many pixels have the colour of an invalid value."""
        image = self.window.grab().toImage()
        return sum(
            image.pixelColor(x, y).name() == MAGENTA
            for x in range(image.width())
            for y in range(image.height())
        )


def value_of(name):
    """The PV's value as text, from a client that is not PyDM."""
    pv = epics.PV(f"testAPD:scope1:{name}", form="ctrl")
    assert pv.wait_for_connection(60)
    if pv.enum_strs:
        return pv.get(as_string=True, use_monitor=False)
    return f"{pv.get(use_monitor=False):.{pv.precision}f} {pv.units}".strip()


def alarms(panel):
    """No widget has another severity than the PV, and so none is magenta."""
    assert len(panel.widgets) == 19
    for name, widget in panel.widgets.items():
        assert isinstance(widget, PyDMWidget)
        expected = MINOR if name == "Run_RBV" else 0
        panel.wait(
            lambda w=widget, e=expected: w._alarm_state == e,
            lambda n=name, w=widget: (n, w._alarm_state),
        )
    assert panel.magenta() == 0


def work(panel):
    assert panel.window.windowTitle() or panel.plot.getPlotTitle()
    assert max(panel.curve.xData) == 10
    ranges = [view.viewRange() for view in panel.plot.plotItem.stackedViews]
    assert ranges == [[[0, 10], [0, 10]]], ranges
    alarms(panel)

    # A choice and numbers are put, and their read-backs follow.
    panel.choose("Run", 0)
    panel.wait_text("Run_RBV", "Done")
    panel.put("VoltOffset", "2.5")
    panel.wait_text("VoltOffset_RBV", "2.500 V")
    panel.put("NoiseAmplitude", "0 V")
    panel.wait_text("NoiseAmplitude_RBV", "0.000 V")
    panel.choose("VertGainSelect", 1)
    panel.wait_text("VoltsPerDivSelect", "0.10")
    panel.widgets["NoiseAmplitude"].clearFocus()
    for name in panel.widgets:
        panel.wait(
            lambda n=name: panel.text(n) == value_of(n),
            lambda n=name: (n, panel.text(n), value_of(n)),
        )

    # A value in alarm is seen: so there are colours to look for.
    panel.put("NoiseAmplitude", "-1")
    bad = panel.widgets["NoiseAmplitude"]
    panel.wait(lambda: bad._alarm_state == INVALID, lambda: bad._alarm_state)
    panel.wait(lambda: panel.magenta() > 0)


def main(file, picture=None):
    panel = Panel(file)
    if picture:
        assert panel.window.grab().save(picture)
    else:
        work(panel)
    print("done", flush=True)
    panel.application.closeAllWindows()
    os._exit(0)  # what PyQt destroys at an ordinary exit may crash it


if __name__ == "__main__":
    main(*sys.argv[1:])
