"""Compares what the window shows with the PVs; runs in the window's environment.

Usage: fields_side.py NAME, the name of one of the functions below
"""

import contextlib
import math
import random
import sys

import scope_gui
from oscilloscope import PREFIX, PVDB
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QPainter, QPicture, QWheelEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication
from scope_widgets import ALARM_COLOURS, ChoiceBox, NumberBox
from waiting import wait_for

from pcaspy import Alarm, Driver, Severity, SimpleServer
from pcaspy.alarm import AlarmStrings, SeverityStrings
from pcaspy.tools import ServerThread

ODD = [math.nan, math.inf, -math.inf, 0.0, 1e300, -1e-9, 1 / 3, 123456.789]
NUMBERS = ["UpdateTime", "VoltOffset", "TriggerDelay", "NoiseAmplitude"]


class Served(Driver):
    """Has any value in its PVs; refuses the puts that it is told to refuse."""

    def __init__(self):
        super().__init__()
        self.refuses = False
        self.puts = []
        self.setParam("TimeBase_RBV", [10 * k / 999 for k in range(1000)])
        self.setParam("Waveform_RBV", [5 + k / 999 for k in range(1000)])
        for name, value in {"TimePerDiv_RBV": 1e-3, "VoltsPerDiv_RBV": 2}.items():
            self.setParam(name, value)
        for name in PVDB:
            self.setParam(name, self.getParam(name))
        self.updatePVs()

    def write(self, reason, value):
        self.puts.append((reason, value))
        if self.refuses:
            return False
        self.setParam(reason, value)
        return True


class Bench:
    """A window, and a server whose PVs the test sets."""

    def __init__(self, application):
        self.application = application
        self.serve(PVDB)
        self.window = scope_gui.Window()
        self.window.show()
        self.fields = self.window.fields
        self.screen = self.window.screen_of_scope
        self.wait(lambda: len(self.window.connected) == len(self.window.client.names))

    def serve(self, pvdb):
        self.server = SimpleServer()
        self.server.createPV(PREFIX, pvdb)
        self.driver = Served()
        self.thread = ServerThread(self.server)
        self.thread.start()

    def stop(self):
        self.thread.stop()
        self.thread.join()
        self.server.close()

    def close(self):
        self.window.close()
        self.stop()

    def wait(self, what, found=None):
        wait_for(self.application, what, found)

    def set(self, name, value):
        self.driver.setParam(name, value)
        self.driver.updatePVs()

    def shown(self, name):
        widget = self.fields[name].widget
        if isinstance(widget, NumberBox):
            return widget.lineEdit().text()
        if isinstance(widget, ChoiceBox):
            return widget.currentText() or widget.placeholderText()
        return widget.text()

    def note(self, name):
        return self.fields[name].note.text()

    def wait_text(self, name, text):
        self.wait(lambda: self.shown(name) == text, lambda: (self.shown(name), text))

    def wait_note(self, name, text):
        self.wait(lambda: self.note(name) == text, lambda: (self.note(name), text))

    def type(self, name, text, enter=False):
        box = self.fields[name].widget
        box.setFocus()
        box.lineEdit().selectAll()
        QTest.keyClicks(box, text)
        if enter:
            QTest.keyClick(box, Qt.Key.Key_Return)
        return box


def number_of(text, unit):
    assert text.endswith(f" {unit}"), text
    return float(text.removesuffix(unit))


def same(one, other):
    return one == other or (math.isnan(one) and math.isnan(other))


def initial(bench):
    """Each widget against its PV, and nothing in alarm."""
    for name, field in bench.fields.items():
        value, pv = bench.driver.getParam(name), PVDB[name]
        if "enums" in pv:
            assert bench.shown(name) == pv["enums"][value], name
        else:
            unit = f" {pv['unit']}" if pv["unit"] else ""
            assert bench.shown(name) == f"{value:.{pv['prec']}f}{unit}", name
        assert bench.note(name) == ("outside 0.02 to 10 s" if value < 0 else ""), name
        assert field.isEnabled()


def values(bench):
    """Numbers inside and outside of the limits: shown exactly, or as the PV rounds."""
    draw = random.Random(20)
    for name in NUMBERS:
        pv = PVDB[name]
        low, high, unit = pv["lolim"], pv["hilim"], pv["unit"]
        inside = [round(draw.uniform(low, high), pv["prec"]) for _ in range(10)]
        around = [draw.uniform(3 * low - 2 * high, 3 * high - 2 * low) for _ in "1234"]
        for value in [*inside, low, high, *around, *ODD]:
            bench.set(name, value)
            bench.set(f"{name}_RBV", value)
            reading = f"{value:.{pv['prec']}f} {unit}"
            if len(reading) > 20:
                reading = f"{value!r} {unit}"
            bench.wait_text(f"{name}_RBV", reading)
            bench.wait(
                lambda v=value, n=name, u=unit: same(number_of(bench.shown(n), u), v),
                lambda v=value, n=name: (bench.shown(n), v),
            )
            if value in inside:
                assert bench.shown(name) == reading
            fits = low <= value <= high
            mark = "" if fits else f"outside {low:g} to {high:g} {unit}"
            bench.wait_note(name, mark)
            bench.wait_note(f"{name}_RBV", mark)
            tip = bench.fields[f"{name}_RBV"].toolTip().splitlines()[0]
            assert same(number_of(tip, unit), value), tip
        bench.set(name, low)
    assert not bench.driver.puts  # what is shown is not put


def choices(bench):
    """Each state, states without a label, other labels."""
    for name in ("Run", "VertGainSelect", "TimePerDivSelect", "VoltsPerDivSelect"):
        labels = PVDB[name]["enums"]
        for state, label in enumerate(labels):
            bench.set(name, state)
            bench.wait_text(name, label)
        bench.set(name, len(labels) + 3)
        bench.wait_text(name, f"{len(labels) + 3} (no label)")
    bench.set("Run_RBV", 1)
    bench.wait_text("Run_RBV", "Running")
    bench.wait_note("Run_RBV", "MINOR STATE")
    bench.set("Run_RBV", 5)
    bench.wait_text("Run_RBV", "5 (no label)")
    bench.set("VoltsPerDivSelect", 1)
    bench.driver.setParamEnums("VoltsPerDivSelect", ["low", "middle", "high"])
    bench.driver.updatePVs()
    bench.wait_text("VoltsPerDivSelect", "middle")
    assert not bench.driver.puts


def alarms(bench):
    """Every status with every severity, in words and in colour."""
    limits = {"lolo": -4, "low": -3, "high": 3, "hihi": 4}
    bench.driver.setParamInfo("VoltOffset", limits)
    for value, words in {3.5: "MINOR HIGH", -5: "MAJOR LOLO", 0: ""}.items():
        bench.set("VoltOffset", value)
        bench.wait_note("VoltOffset", words)
    for name in ("VoltOffset", "MeanValue_RBV", "Run", "Run_RBV"):
        for severity in range(1, len(SeverityStrings)):
            for status in range(1, len(AlarmStrings)):
                bench.driver.setParamStatus(name, status, severity)
                bench.driver.updatePVs()
                words = f"{SeverityStrings[severity]} {AlarmStrings[status]}"
                bench.wait_note(name, words)
            assert ALARM_COLOURS[severity] in bench.fields[name].widget.styleSheet()
        bench.driver.setParamStatus(name, Alarm.NO_ALARM, Severity.NO_ALARM)
        bench.driver.updatePVs()
        bench.wait_note(name, "")
        assert bench.fields[name].widget.styleSheet() == ""


def refusals(bench):
    """What a put does not change stays on the screen, with the reason below."""
    status = bench.window.statusBar()
    bench.driver.refuses = True
    bench.type("VoltOffset", "2.5", enter=True)
    assert bench.shown("VoltOffset") == "0.000 V"
    bench.wait(lambda: "Offset was not set to 2.5." in status.currentMessage())
    assert "write request failed" in status.currentMessage()
    assert "(range: -10 to 10 V)" in status.currentMessage()
    bench.wait_note("VoltOffset", "INVALID WRITE")
    gain = bench.fields["VertGainSelect"].widget
    gain.setCurrentIndex(2)
    gain.activated.emit(2)
    assert bench.shown("VertGainSelect") == "1"
    bench.wait(lambda: "Gain was not set to 100." in status.currentMessage())
    assert bench.driver.puts == [("VoltOffset", 2.5), ("VertGainSelect", 2)]

    bench.type("VoltOffset", "2,5", enter=True)
    assert status.currentMessage() == "'2,5' is not a number"
    assert bench.shown("VoltOffset") == "0.000 V"
    bench.driver.refuses = False
    bench.type("VoltOffset", "0.12345 V", enter=True)
    bench.wait_text("VoltOffset", "0.12345 V")
    bench.wait_note("VoltOffset", "")
    assert not status.currentMessage()


def typing(bench):
    """Another client sets what a user is typing."""
    box = bench.type("VoltOffset", "7")
    bench.set("VoltOffset", 2.5)
    bench.wait_note("VoltOffset", "now 2.500 V")
    assert bench.shown("VoltOffset") == "7"
    bench.set("VoltOffset", 20)
    bench.wait_note("VoltOffset", "now 20.000 V, outside -10 to 10 V")
    QTest.keyClick(box, Qt.Key.Key_Escape)
    assert bench.shown("VoltOffset") == "20.000 V"
    bench.type("VoltOffset", "7")
    box.clearFocus()
    assert bench.shown("VoltOffset") == "20.000 V"
    assert not bench.driver.puts

    bench.set("VoltOffset", 0.1)
    bench.wait_text("VoltOffset", "0.100 V")
    box.stepBy(1)
    bench.wait_text("VoltOffset", "0.300 V")
    for widget in (box, bench.fields["VertGainSelect"].widget):
        turn_wheel(widget)
    QTest.keyClick(box, Qt.Key.Key_Return)  # nothing was typed
    bench.set("VoltOffset", 10)
    bench.wait_text("VoltOffset", "10.000 V")
    assert box.stepEnabled() == NumberBox.StepEnabledFlag.StepDownEnabled
    bench.set("VoltOffset", math.nan)
    bench.wait_text("VoltOffset", "nan V")
    assert box.stepEnabled() == NumberBox.StepEnabledFlag.StepNone
    assert bench.driver.puts == [("VoltOffset", 0.3)]


def turn_wheel(widget):
    at = QPointF(widget.rect().center())
    event = QWheelEvent(
        at,
        QPointF(widget.mapToGlobal(at.toPoint())),
        QPoint(),
        QPoint(0, -120),
        Qt.MouseButton.NoButton,
        Qt.KeyboardModifier.NoModifier,
        Qt.ScrollPhase.NoScrollPhase,
        False,
    )
    QApplication.sendEvent(widget, event)


def properties(bench):
    """Unit, precision and limits that change while they are shown."""
    bench.set("VoltOffset", 5)
    bench.wait_text("VoltOffset", "5.000 V")
    changes = {"unit": "mV", "prec": 1, "lolim": -1, "hilim": 1}
    bench.driver.setParamInfo("VoltOffset", changes)
    bench.driver.updatePVs()
    bench.wait_text("VoltOffset", "5.0 mV")
    bench.wait_note("VoltOffset", "outside -1 to 1 mV")


def restart(bench):
    """The server ends, and comes back with other properties."""
    bench.stop()
    for name, field in bench.fields.items():
        bench.wait_note(name, "connection lost")
        assert bench.shown(name) == ""
        assert not field.widget.isEnabled()
        assert "Virtual circuit disconnect" in field.toolTip()
    nothing = "no picture: 6 of its 6 PVs missing"
    bench.wait(lambda: bench.screen.note.text() == nothing, bench.screen.note.text)
    assert bench.screen.curve.xData is None
    bench.wait(
        lambda: bench.window.connections.text().startswith("0 of "),
        bench.window.connections.text,
    )
    other = {"value": 12, "unit": "kV", "prec": 2, "lolim": 0, "hilim": 5}
    bench.serve({**PVDB, "VoltOffset": other})
    bench.wait_text("VoltOffset", "12.00 kV")
    bench.wait_note("VoltOffset", "outside 0 to 5 kV")
    bench.wait(lambda: len(bench.window.connected) == len(bench.window.client.names))
    initial_but_offset = [name for name in bench.fields if name != "VoltOffset"]
    for name in initial_but_offset:
        assert bench.fields[name].widget.isEnabled()
        assert bench.shown(name)


def picture(bench):
    """The trace in volts and milliseconds, whatever its length and values."""
    screen, curve = bench.screen, bench.screen.curve
    bench.wait(lambda: curve.yData is not None and len(curve.yData) == 1000)
    view = screen.plot.getViewBox().viewRange()
    assert view == [[0, 10], [-10, 10]]
    assert (curve.yData[0], curve.yData[-1]) == (0, 2)
    assert screen.note.text() == ""
    bench.set("VoltOffset_RBV", 1.5)
    bench.set("TriggerDelay_RBV", 0.002)
    bench.wait(
        lambda: screen.plot.getViewBox().viewRange() == [[2, 12], [-11.5, 8.5]],
        screen.plot.getViewBox().viewRange,
    )
    assert (curve.yData[0], curve.yData[-1]) == (-1.5, 0.5)
    ticks = [label for _, label in screen.plot.getAxis("bottom")._tickLevels[0]]
    assert ticks == [str(number) for number in range(2, 13)]
    texts = [text for _, _, text in drawn_labels(screen.plot.getAxis("left"))]
    assert texts == ["-9.5", "-7.5", "-5.5", "-3.5", "-1.5", "0.5", "2.5", "4.5", "6.5"]
    bench.set("Waveform_RBV", [5.0] * 500)
    bench.wait(lambda: len(curve.yData) == 500)
    assert screen.note.text() == "500 values at 1000 times"
    bench.set("Waveform_RBV", [5.0] * 997 + [11.0, math.nan, math.inf])
    bench.wait(lambda: len(curve.yData) == 1000)
    assert screen.note.text() == "3 of 1000 values outside of the screen"
    bench.set("VoltsPerDiv_RBV", math.nan)
    bench.wait(lambda: screen.note.text().startswith("no picture: the scales are"))
    assert curve.yData is None
    bench.set("VoltsPerDiv_RBV", 1)
    bench.wait(lambda: curve.yData is not None and len(curve.yData) == 1000)
    bench.driver.setParamStatus("Waveform_RBV", Alarm.READ_ALARM, 3)
    bench.driver.updatePVs()
    bench.wait(lambda: screen.note.text().startswith("INVALID READ, 3 of"))


def drawn_labels(axis):
    """(where, how, text) of the labels beside an axis; the ends are cut off."""
    picture = QPicture()
    painter = QPainter(picture)
    labels = axis.generateDrawSpecs(painter)[2]
    painter.end()
    return labels


def absent(application):
    """No server: the window says so, and shows nothing."""
    scope_gui.SEARCH_SECONDS = 0.1
    window = scope_gui.Window()
    try:
        assert {f.note.text() for f in window.fields.values()} == {"searching"}
        for field in window.fields.values():
            wait_for(
                application, lambda f=field: f.note.text() == "not found", field.toolTip
            )
            assert not field.widget.isEnabled()
            assert "earched" in field.toolTip(), field.toolTip()
    finally:
        window.close()


def main(name):
    application = QApplication([])
    if name == "absent":
        absent(application)
    else:
        with contextlib.closing(Bench(application)) as bench:
            globals()[name](bench)
    print("done")


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
