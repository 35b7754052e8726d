"""The oscilloscope as a Qt program: server, driver and window in one process.

The window knows only PVs: it talks to the server through Channel Access, as any other
display on the network may at the same time. Three threads: Qt's main loop, the server,
and an asyncio loop with the client, whose updates come to the window as Qt signals.

Needs PySide6-Essentials and pyqtgraph.
Usage: python scope_gui.py [--screenshot FILE]
"""

import argparse
import asyncio
import os
import signal
import sys
import threading

import pyqtgraph
from oscilloscope import DIVISIONS, PREFIX, PVDB, Oscilloscope
from PySide6.QtCore import QObject, Qt, QTimer, Signal
from PySide6.QtWidgets import (
    QApplication,
    QComboBox,
    QDoubleSpinBox,
    QFormLayout,
    QHBoxLayout,
    QLabel,
    QMainWindow,
    QPushButton,
    QWidget,
)

# Searches reach this computer also where broadcasts do not; read by the first channel.
os.environ.setdefault("EPICS_CA_ADDR_LIST", "127.0.0.1")
from aioca import FORMAT_CTRL, CANothing, camonitor, caput
from pcaspy import SimpleServer
from pcaspy.tools import ServerThread

CHOICES = {
    "TimePerDivSelect": "Time per division",
    "VertGainSelect": "Gain",
    "VoltsPerDivSelect": "Volts per division",
}
NUMBERS = {
    "UpdateTime": ("Update time", 0.02, 10, 0.1),
    "VoltOffset": ("Offset", -10, 10, 0.1),
    "TriggerDelay": ("Trigger delay", 0, 1, 1e-4),
    "NoiseAmplitude": ("Noise", 0, 10, 0.1),
}
READINGS = {
    "MinValue_RBV": "Minimum",
    "MaxValue_RBV": "Maximum",
    "MeanValue_RBV": "Mean",
}
PICTURES = ("Waveform_RBV", "TimeBase_RBV")
ALARM_COLOURS = ("#208020", "#a08000", "#c02020", "#a020a0")


class ChannelAccess(QObject):
    """The client: an asyncio loop in a thread, which emits the signals."""

    updated = Signal(str, object)
    failed = Signal(str)

    def __init__(self, names):
        super().__init__()
        self.names = names
        self.loop = asyncio.new_event_loop()
        self.thread = threading.Thread(target=self.run)

    def run(self):
        self.loop.call_soon(self.subscribe)
        self.loop.run_forever()
        for subscription in self.subscriptions:
            subscription.close()
        self.loop.close()

    def subscribe(self):
        self.subscriptions = camonitor(
            [PREFIX + name for name in self.names],
            lambda value, index: self.updated.emit(self.names[index], value),
            format=FORMAT_CTRL,
            notify_disconnect=True,
        )

    def put(self, name, value):
        """Starts a put; a failure is a signal. Called in the window's thread."""
        asyncio.run_coroutine_threadsafe(self.put_and_report(name, value), self.loop)

    async def put_and_report(self, name, value):
        done = await caput(PREFIX + name, value, wait=True, throw=False)
        if not done.ok:
            self.failed.emit(str(done))

    def stop(self):
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join()


class Window(QMainWindow):
    """Plot and controls; each widget has the name of its PV."""

    def __init__(self):
        super().__init__()
        self.setWindowTitle("Oscilloscope")
        self.pictures_shown = 0
        self.times = None
        self.plot = pyqtgraph.PlotWidget(background="#101418")
        self.plot.showGrid(x=True, y=True, alpha=0.4)
        self.plot.setRange(xRange=(0, DIVISIONS), yRange=(0, DIVISIONS), padding=0)
        self.curve = self.plot.plot(pen=pyqtgraph.mkPen("#40e060", width=1))
        self.widgets = {}
        self.connected = set()
        self.controls = QFormLayout()
        centre = QWidget()
        layout = QHBoxLayout(centre)
        layout.addWidget(self.plot, stretch=1)
        layout.addLayout(self.controls)
        self.setCentralWidget(centre)
        self.client = ChannelAccess([*PICTURES, *self.add_controls()])
        # A queued connection: the slots run in this thread, whoever emits.
        queued = Qt.ConnectionType.QueuedConnection
        self.client.updated.connect(self.show_value, queued)
        self.client.failed.connect(self.statusBar().showMessage, queued)
        self.client.thread.start()
        self.resize(1000, 520)

    def add_controls(self):
        """The names of all PVs that have a widget now."""
        run = QPushButton("Stopped", checkable=True)
        run.setStyleSheet("QPushButton:checked { background: #a0e0a0 }")
        run.clicked.connect(lambda checked: self.client.put("Run", int(checked)))
        self.add("Run", "", run)
        for name, label in CHOICES.items():
            box = QComboBox()
            box.activated.connect(lambda index, name=name: self.client.put(name, index))
            self.add(name, label, box)
        for name, (label, low, high, step) in NUMBERS.items():
            box = QDoubleSpinBox(minimum=low, maximum=high, singleStep=step, decimals=4)
            box.setKeyboardTracking(False)
            box.valueChanged.connect(lambda v, name=name: self.client.put(name, v))
            self.add(name, label, box)
        for name, label in READINGS.items():
            self.add(name, label, QLabel("?"))
        return list(self.widgets)

    def add(self, name, label, widget):
        widget.setObjectName(name)
        widget.setEnabled(False)  # until it is connected
        self.widgets[name] = widget
        self.controls.addRow(label, widget)

    def show_value(self, name, value):
        """An update of a PV, or a CANothing when it is disconnected."""
        connected = not isinstance(value, CANothing)
        if name in self.widgets:
            self.widgets[name].setEnabled(connected)
        if connected != (name in self.connected):
            self.show_connection(name)
        if not connected:
            return
        if name == "TimeBase_RBV":
            self.times = value
        elif name == "Waveform_RBV":
            if self.times is not None:
                self.curve.setData(self.times, value)
                self.pictures_shown += 1
        else:
            self.show_in_widget(self.widgets[name], value)

    def show_connection(self, name):
        """The PV has connected, or is gone."""
        self.connected ^= {name}
        number, of = len(self.connected), len(self.client.names)
        self.statusBar().showMessage(f"{number} of {of} PVs connected, {PREFIX}…")

    def show_in_widget(self, widget, value):
        widget.blockSignals(True)  # what comes from the PV is not put to it
        if isinstance(widget, QPushButton):
            widget.setChecked(bool(value))
            widget.setText("Running" if value else "Stopped")
        elif isinstance(widget, QComboBox):
            if [widget.itemText(n) for n in range(widget.count())] != value.enums:
                widget.clear()
                widget.addItems(value.enums)
            widget.setCurrentIndex(value)
            self.show_scales()
        elif isinstance(widget, QDoubleSpinBox):
            widget.setSuffix(f" {value.units}")
            widget.setValue(value)
        else:
            widget.setText(f"{value:.{value.precision}f} {value.units}")
            widget.setStyleSheet(f"color: {ALARM_COLOURS[value.severity]}")
        widget.blockSignals(False)

    def show_scales(self):
        """What a division stands for."""
        time, volts = (
            self.widgets[name].currentText()
            for name in ("TimePerDivSelect", "VoltsPerDivSelect")
        )
        labels = {"bottom": time, "left": f"{volts} V"}
        self.plot.setLabels(**{k: f"{v} per division" for k, v in labels.items()})

    def closeEvent(self, event):
        self.client.stop()
        event.accept()


def save_when_shown(window, file):
    """Saves a picture of the window once it has something to show, and ends."""
    connected = all(widget.isEnabled() for widget in window.widgets.values())
    if connected and window.pictures_shown >= 2:
        window.grab().save(file)
        window.close()
    else:
        QTimer.singleShot(50, lambda: save_when_shown(window, file))


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--screenshot", metavar="FILE", help="save a picture and end")
    options = parser.parse_args()

    application = QApplication(sys.argv[:1])
    server = SimpleServer()
    server.createPV(PREFIX, PVDB)
    driver = Oscilloscope()  # noqa: F841 - answers for the PVs
    thread = ServerThread(server)
    thread.start()
    window = Window()
    window.show()
    if options.screenshot:
        save_when_shown(window, options.screenshot)
    # Ctrl-C: Python looks for signals only when Qt comes back to it.
    signal.signal(signal.SIGINT, lambda *_: window.close())
    ticks = QTimer(interval=200)
    ticks.timeout.connect(lambda: None)
    ticks.start()
    try:
        return application.exec()
    finally:
        thread.stop()
        thread.join()


if __name__ == "__main__":
    sys.exit(main())
