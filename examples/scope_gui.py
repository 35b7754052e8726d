"""The oscilloscope as a Qt program: server, driver and window in one process.

The window knows only PVs: it talks to the server through Channel Access, as any other
display on the network may at the same time. Three threads: Qt's main loop, the server,
and an asyncio loop with the client, whose updates come to the window as Qt signals.

Needs PySide6-Essentials and pyqtgraph. With Python before 3.12, PySide6 6.12.0 does not
work: it loses references.
Usage: python scope_gui.py [--pva] [--screenshot FILE]
"""

import argparse
import asyncio
import os
import signal
import sys
import threading

import numpy as np
import pyqtgraph
from oscilloscope import DIVISIONS, PVDB, Oscilloscope
from PySide6.QtCore import QObject, Qt, QTimer, Signal
from PySide6.QtWidgets import (
    QApplication,
    QGridLayout,
    QGroupBox,
    QHBoxLayout,
    QLabel,
    QMainWindow,
    QVBoxLayout,
    QWidget,
)
from scope_screen import GROUPS, PREFIX, RANGE, TITLE
from scope_widgets import (
    ALARM_COLOURS,
    DISCONNECTED_COLOUR,
    LINE_HEIGHT,
    Field,
    alarm_of,
    range_of,
    style_of,
)

# Searches reach this computer also where broadcasts do not; read by the first channel.
os.environ.setdefault("EPICS_CA_ADDR_LIST", "127.0.0.1")
from aioca import FORMAT_CTRL, CANothing, camonitor, caput
from pcaspy import SimpleServer
from pcaspy.tools import ServerThread

SEARCH_SECONDS = 5


class ChannelAccess(QObject):
    """The client: an asyncio loop in a thread, which emits the signals."""

    updated = Signal(str, object, str)  # None, and why, when it is not connected
    failed = Signal(str, str, str)

    def __init__(self, names):
        super().__init__()
        self.names = names
        self.loop = asyncio.new_event_loop()
        self.stopped = asyncio.Event()
        self.thread = threading.Thread(target=self.run)

    def start(self):
        self.thread.start()

    def run(self):
        self.loop.run_until_complete(self.watch())
        self.loop.close()

    async def watch(self):
        """FORMAT_CTRL: also alarms, limits, units and labels, whenever they change."""
        subscriptions = camonitor(
            [PREFIX + name for name in self.names],
            lambda value, index: self.update(self.names[index], value),
            format=FORMAT_CTRL,
            notify_disconnect=True,
            connect_timeout=SEARCH_SECONDS,
        )
        await self.stopped.wait()
        for subscription in subscriptions:
            subscription.close()
        puts = asyncio.all_tasks() - {asyncio.current_task()}
        for put in puts:
            put.cancel()
        await asyncio.gather(*puts, return_exceptions=True)

    def update(self, name, value):
        missing = isinstance(value, CANothing)
        self.updated.emit(name, *((None, str(value)) if missing else (value, "")))

    def put(self, name, value, text):
        """Starts a put; a failure is a signal. Called in the window's thread."""
        put = self.put_and_report(name, value, text)
        asyncio.run_coroutine_threadsafe(put, self.loop)

    async def put_and_report(self, name, value, text):
        done = await caput(PREFIX + name, value, wait=True, throw=False)
        if not done.ok:
            self.failed.emit(name, text, str(done))

    def stop(self):
        self.loop.call_soon_threadsafe(self.stopped.set)
        self.thread.join()


class Screen(QWidget):
    """The picture, in volts and milliseconds.

    The PV has it in divisions. The readbacks of four settings say what a division is.
    """

    PARTS = (
        *("Waveform_RBV", "TimeBase_RBV"),
        *("TimePerDiv_RBV", "TriggerDelay_RBV", "VoltsPerDiv_RBV", "VoltOffset_RBV"),
    )

    def __init__(self):
        super().__init__()
        self.parts = {}
        self.pictures_shown = 0
        self.plot = pyqtgraph.PlotWidget(background="#101418", title=TITLE)
        self.plot.setLabels(bottom="Time (ms)", left="Voltage (V)")
        self.plot.showGrid(x=True, y=True, alpha=0.4)
        self.plot.setMouseEnabled(False, False)
        self.plot.setMenuEnabled(False)
        self.plot.hideButtons()
        self.plot.getAxis("left").setWidth(70)
        self.curve = self.plot.plot(pen=pyqtgraph.mkPen("#40e060", width=1))
        self.note = QLabel(textFormat=Qt.TextFormat.PlainText)
        layout = QVBoxLayout(self)
        layout.addWidget(self.plot, stretch=1)
        layout.addWidget(self.note)
        self.draw()

    def display(self, name, value):
        """Shows an update; None for a PV that is not connected."""
        if value is None:
            self.parts.pop(name, None)
        else:
            self.parts[name] = value
        self.draw()

    def draw(self):
        missing = [name for name in self.PARTS if name not in self.parts]
        if missing:
            self.show_nothing(f"{len(missing)} of its {len(self.PARTS)} PVs missing")
            return
        wave, base, seconds, delay, volts, offset = map(self.parts.get, self.PARTS)
        scales = np.array([seconds, volts])
        if not (np.isfinite([*scales, delay, offset]).all() and (scales > 0).all()):
            self.show_nothing(f"the scales are {seconds:g} s and {volts:g} V")
            return

        def milliseconds(divisions):
            return 1e3 * (delay + divisions * seconds)

        def volts_of(divisions):
            return (divisions - DIVISIONS / 2) * volts - offset

        points = min(len(wave), len(base))
        self.curve.setData(
            milliseconds(base[:points]), volts_of(wave[:points]), connect="finite"
        )
        self.set_axis("bottom", milliseconds(np.arange(DIVISIONS + 1)))
        self.set_axis("left", volts_of(np.arange(DIVISIONS + 1)))
        self.mark(ALARM_COLOURS[wave.severity], ", ".join(self.notes(wave, base)))
        self.pictures_shown += 1

    def show_nothing(self, reason):
        self.curve.setData([], [])
        for side in ("bottom", "left"):
            self.plot.getAxis(side).setTicks([])
        self.mark(DISCONNECTED_COLOUR, f"no picture: {reason}")

    def mark(self, colour, text):
        self.note.setText(text)
        self.note.setStyleSheet(style_of(colour))

    def set_axis(self, side, values):
        """One label for each division, from the first value to the last."""
        ticks = [(value, f"{value:.6g}") for value in values]
        self.plot.getAxis(side).setTicks([ticks])
        ends = {"xRange" if side == "bottom" else "yRange": (values[0], values[-1])}
        self.plot.setRange(**ends, padding=0)

    @staticmethod
    def notes(wave, base):
        """What is not to be seen in the picture."""
        if alarm_of(wave):
            yield alarm_of(wave)
        if len(wave) != len(base):
            yield f"{len(wave)} values at {len(base)} times"
        low, high = RANGE
        hidden = np.count_nonzero(~((low <= wave) & (wave <= high)))
        if hidden:
            yield f"{hidden} of {len(wave)} values outside of the screen"


class Window(QMainWindow):
    """Picture and settings; `fields` has what shows a PV by the PV's name."""

    def __init__(self, client=ChannelAccess):
        super().__init__()
        self.setWindowTitle(f"{TITLE} {PREFIX}")
        self.screen_of_scope = Screen()
        self.fields = {}
        self.labels = {}
        self.connected = set()
        self.connections = QLabel()
        self.statusBar().addPermanentWidget(self.connections)
        centre = QWidget()
        layout = QHBoxLayout(centre)
        layout.addWidget(self.screen_of_scope, stretch=1)
        layout.addLayout(self.groups())
        self.setCentralWidget(centre)
        self.client = client(list(dict.fromkeys([*Screen.PARTS, *self.fields])))
        # A queued connection: the slots run in this thread, whoever emits.
        queued = Qt.ConnectionType.QueuedConnection
        self.client.updated.connect(self.show_update, queued)
        self.client.failed.connect(self.show_failure, queued)
        self.client.start()
        self.resize(1180, 700)

    def groups(self):
        column = QVBoxLayout()
        for title, rows in GROUPS.items():
            box = QGroupBox(title)
            grid = QGridLayout(box)
            grid.setColumnMinimumWidth(0, 120)
            grid.setVerticalSpacing(2)
            grid.addWidget(QLabel("Setting", enabled=False), 0, 1)
            grid.addWidget(QLabel("Readback", enabled=False), 0, 2)
            for number, (label, kind, setting, readback) in enumerate(rows, start=1):
                text = QLabel(label, minimumHeight=LINE_HEIGHT)
                grid.addWidget(text, number, 0, Qt.AlignmentFlag.AlignTop)
                if setting:
                    grid.addWidget(self.add_field(setting, label, kind), number, 1)
                grid.addWidget(self.add_field(readback, label, "reading"), number, 2)
            column.addWidget(box)
        column.addStretch()
        return column

    def add_field(self, name, label, kind):
        field = self.fields[name] = Field(kind)
        field.put.connect(lambda value, text: self.put(name, value, text))
        field.rejected.connect(self.statusBar().showMessage)
        self.labels[name] = label
        return field

    def put(self, name, value, text):
        self.statusBar().clearMessage()
        self.client.put(name, value, text)

    def show_update(self, name, value, details):
        """An update of a PV; None, and why, when it is not connected."""
        connected = value is not None
        field = self.fields.get(name)
        if field and connected:
            field.display(value)
        elif field:
            lost = name in self.connected
            reason = "connection lost" if lost else "not found"
            field.display_missing(reason, details)
        if name in Screen.PARTS:
            self.screen_of_scope.display(name, value)
        (self.connected.add if connected else self.connected.discard)(name)
        number, of = len(self.connected), len(self.client.names)
        self.connections.setText(f"{number} of {of} PVs connected")

    def show_failure(self, name, text, reason):
        """A put was refused; the field has shown the PV's value all the time."""
        message = f"{self.labels[name]} was not set to {text}. {reason}"
        possible = range_of(self.fields[name].value)
        if possible:
            message += f" (range: {possible})"
        self.statusBar().showMessage(message)

    def closeEvent(self, event):
        self.client.stop()
        event.accept()


def save_when_shown(window, file):
    """Saves a picture of the window once it has something to show, and ends."""
    connected = len(window.connected) == len(window.client.names)
    if connected and window.screen_of_scope.pictures_shown >= 2:
        window.grab().save(file)
        window.close()
    else:
        QTimer.singleShot(50, lambda: save_when_shown(window, file))


def client_for(pva):
    """What the window uses of the network."""
    if not pva:
        return ChannelAccess
    os.environ.setdefault("EPICS_PVA_ADDR_LIST", "127.0.0.1")
    from scope_pvaccess import PVAccess

    return PVAccess


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--screenshot", metavar="FILE", help="save a picture and end")
    parser.add_argument("--pva", action="store_true", help="use PVAccess; needs p4p")
    options = parser.parse_args()

    application = QApplication(sys.argv[:1])
    server = SimpleServer(pva=True) if options.pva else SimpleServer()
    server.createPV(PREFIX, PVDB)
    driver = Oscilloscope()  # noqa: F841 - answers for the PVs
    thread = ServerThread(server)
    thread.start()
    window = Window(client_for(options.pva))
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
