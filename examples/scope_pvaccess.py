"""The client of the window over PVAccess, with p4p.

It hands the window the same values as aioca does: numbers, labels and arrays with their
alarm, limits and unit. Callbacks run in a thread of p4p and only emit signals.
"""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
from p4p.client.thread import Context, Disconnected
from PySide6.QtCore import QObject, Signal
from scope_screen import PREFIX

from pcaspy import Alarm

STATUS = {Alarm.nameOf(status): status for status in range(22)}


class Number(float):
    """A number with what belongs to it."""


class Whole(int):
    """The same of a whole number, and of the state of an enum."""


class Array(np.ndarray):
    """The same of many numbers."""


def value_of(raw):
    """An update of p4p as the window wants it."""
    data = raw.value
    if raw.getID().startswith("epics:nt/NTEnum"):
        value = Whole(data.index)
        value.enums = list(data.choices)
    elif isinstance(data, np.ndarray):
        value = data.view(Array)
    else:
        value = Number(data) if isinstance(data, float) else Whole(data)
    value.severity = raw.alarm.severity
    value.status = STATUS.get(raw.alarm.message, 0)
    if "control" in raw:
        value.lower_ctrl_limit = raw.control.limitLow
        value.upper_ctrl_limit = raw.control.limitHigh
        value.precision = raw.display.precision
        value.units = raw.display.units
    return value


class PVAccess(QObject):
    """Subscribes to all PVs and puts values; what happens is a signal."""

    updated = Signal(str, object, str)
    failed = Signal(str, str, str)

    def __init__(self, names):
        super().__init__()
        self.names = names
        self.enums = set()
        self.connected = set()
        self.puts = ThreadPoolExecutor(max_workers=4)
        self.context = Context("pva", nt=False)
        self.subscriptions = []

    def start(self):
        self.subscriptions = [
            self.context.monitor(
                PREFIX + name,
                lambda update, name=name: self.update(name, update),
                notify_disconnect=True,
            )
            for name in self.names
        ]

    def update(self, name, update):
        if isinstance(update, Disconnected):
            if name in self.connected:
                self.updated.emit(name, None, str(update) or "disconnected")
            return
        if isinstance(update, Exception):
            self.updated.emit(name, None, str(update))
            return
        self.connected.add(name)
        value = value_of(update)
        if hasattr(value, "enums"):
            self.enums.add(name)
        self.updated.emit(name, value, "")

    def put(self, name, value, text):
        """Starts a put; a failure is a signal. Called in the window's thread."""
        self.puts.submit(self.put_and_report, name, value, text)

    def put_and_report(self, name, value, text):
        field = "value.index" if name in self.enums else "value"
        try:
            self.context.put(PREFIX + name, {field: value}, wait=True)
        except Exception as error:
            self.failed.emit(name, text, f"{PREFIX}{name}: {error}")

    def stop(self):
        for subscription in self.subscriptions:
            subscription.close()
        self.puts.shutdown()
        self.context.close()
