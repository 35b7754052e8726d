"""Widgets that show a PV: its value, and its alarm in colour and in words.

They never show another value than the PV's. What a user enters is put to the PV while
the widget still shows the old value: the new one appears when the PV has it, and never
if the put is refused. Only a number that a user is typing is not the PV's; the line
below then says what the PV has.
"""

import math

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import (
    QAbstractSpinBox,
    QComboBox,
    QLabel,
    QVBoxLayout,
    QWidget,
)

from pcaspy import Alarm, Severity

ALARM_COLOURS = ("", "#ffe680", "#ff9c90", "#f0a8f0")  # by severity
OUT_OF_RANGE_COLOUR = "#ffcc80"
DISCONNECTED_COLOUR = "#c8c8c8"
FIELD_WIDTH = 170
LINE_HEIGHT = 26
MOST_DIGITS = 16  # more than these, and a number is shown as 1e+20 is


def text_of(value, exact=False):
    """A value as text: the label of a state, a number with its unit.

    A number has the decimals that the PV's precision asks for. `exact` gives it more if
    it would be another number without them.
    """
    if hasattr(value, "enums"):
        known = value < len(value.enums)
        return value.enums[value] if known else f"{int(value)} (no label)"
    text = str(+value)
    if isinstance(value, float):
        rounded = f"{value:.{max(value.precision, 0)}f}"
        if len(rounded) <= MOST_DIGITS and (not exact or float(rounded) == value):
            text = rounded
    return with_unit(text, value)


def with_unit(text, value):
    return f"{text} {getattr(value, 'units', '')}".strip()


def limits_of(value):
    """The range in which a PV can be set; without one, that of all numbers."""
    low = getattr(value, "lower_ctrl_limit", 0)
    high = getattr(value, "upper_ctrl_limit", 0)
    return (low, high) if low < high else (-math.inf, math.inf)


def range_of(value):
    """The same as text, empty without a range."""
    low, high = limits_of(value)
    return with_unit(f"{low:g} to {high:g}", value) if high < math.inf else ""


def out_of_range(value):
    """Says that a value is outside of the PV's limits; empty if it is not."""
    low, high = limits_of(value)
    inside = not range_of(value) or low <= value <= high
    return "" if inside else f"outside {range_of(value)}"


def alarm_of(value):
    """Severity and reason, for example MINOR HIGH; empty without an alarm."""
    if not value.severity:
        return ""
    return f"{Severity.nameOf(value.severity)} {Alarm.nameOf(value.status)}"


def style_of(colour):
    return f"background: {colour}; color: black" if colour else ""


class Reading(QLabel):
    """A value that is only shown."""

    def __init__(self):
        super().__init__(textFormat=Qt.TextFormat.PlainText)

    def display(self, value):
        self.setText("" if value is None else text_of(value))


class ChoiceBox(QComboBox):
    """A state of an enum, from the labels that the PV has."""

    chosen = Signal(object, str)  # what to put, and as the user sees it

    def __init__(self):
        super().__init__()
        self.value = None
        self.activated.connect(self.choose)

    def display(self, value):
        self.value = value
        labels = [] if value is None else value.enums
        if [self.itemText(index) for index in range(self.count())] != labels:
            self.clear()
            self.addItems(labels)
        known = value is not None and value < len(labels)
        self.setPlaceholderText("" if value is None else text_of(value))
        self.setCurrentIndex(int(value) if known else -1)

    def choose(self, index):
        text = self.itemText(index)
        self.display(self.value)  # until the PV has another one
        self.chosen.emit(index, text)

    def wheelEvent(self, event):
        event.ignore()  # who scrolls past does not mean to set anything


class NumberBox(QAbstractSpinBox):
    """A number, to be typed and entered with Return, or to be stepped.

    Not a QDoubleSpinBox: that one rounds a value, and moves it into its range.
    """

    chosen = Signal(object, str)  # what to put, and as the user sees it
    typed = Signal()  # typing has begun, gone on or ended
    rejected = Signal(str)

    def __init__(self):
        super().__init__()
        self.value = None
        self.is_typing = False
        self.setKeyboardTracking(False)
        self.lineEdit().textEdited.connect(self.start_typing)
        self.lineEdit().returnPressed.connect(self.enter)

    def display(self, value):
        self.value = value
        if value is None or not self.is_typing:
            self.restore()

    def start_typing(self):
        self.is_typing = True
        self.typed.emit()

    def restore(self):
        """Shows what the PV has, in place of what was typed."""
        self.is_typing = False
        text = "" if self.value is None else text_of(self.value, exact=True)
        self.lineEdit().setText(text)
        self.typed.emit()

    def enter(self):
        if not self.is_typing:
            return
        text = self.lineEdit().text()
        self.restore()
        try:
            number = float(text.strip().removesuffix(self.value.units))
        except ValueError:
            self.rejected.emit(f"{text!r} is not a number")
        else:
            self.chosen.emit(number, text)

    def stepEnabled(self):
        if self.value is None or not math.isfinite(self.value):
            return self.StepEnabledFlag.StepNone
        low, high = limits_of(self.value)
        steps = self.StepEnabledFlag.StepNone
        if self.value < high:
            steps |= self.StepEnabledFlag.StepUpEnabled
        if self.value > low:
            steps |= self.StepEnabledFlag.StepDownEnabled
        return steps

    def stepBy(self, steps):
        """By a hundredth of the range each, but not by less than is shown."""
        low, high = limits_of(self.value)
        smallest = 10.0**-self.value.precision
        step = max((high - low) / 100, smallest) if high < math.inf else smallest
        wanted = round(self.value + steps * step, self.value.precision)
        wanted = min(max(wanted, low), high)
        self.restore()
        self.chosen.emit(wanted, with_unit(f"{wanted:g}", self.value))

    def keyPressEvent(self, event):
        if event.key() == Qt.Key.Key_Escape:
            self.restore()
        else:
            super().keyPressEvent(event)

    def focusOutEvent(self, event):
        if event.reason() != Qt.FocusReason.PopupFocusReason:
            self.restore()  # only Return enters a number
        super().focusOutEvent(event)

    def wheelEvent(self, event):
        event.ignore()


KINDS = {"choice": ChoiceBox, "number": NumberBox, "reading": Reading}


class Field(QWidget):
    """A PV on the screen: its widget, and below a line about its state."""

    put = Signal(object, str)
    rejected = Signal(str)

    def __init__(self, kind):
        super().__init__()
        self.value = None
        self.widget = KINDS[kind]()
        self.note = QLabel(textFormat=Qt.TextFormat.PlainText)
        small = self.note.font()
        small.setPointSizeF(0.8 * small.pointSizeF())
        self.note.setFont(small)
        self.widget.setFixedHeight(LINE_HEIGHT)
        layout = QVBoxLayout(self, spacing=0)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.widget)
        layout.addWidget(self.note)
        self.setFixedWidth(FIELD_WIDTH)
        if kind != "reading":
            self.widget.chosen.connect(self.put)
        if kind == "number":
            self.widget.rejected.connect(self.rejected)
            self.widget.typed.connect(self.show_state)
        self.display_missing("searching")

    def display(self, value):
        """Shows an update of the PV."""
        self.value = value
        self.widget.setEnabled(True)
        self.widget.display(value)
        self.show_state()

    def display_missing(self, reason, details=""):
        """Shows no value, since the PV is not connected."""
        self.value = None
        self.widget.setEnabled(False)
        self.widget.display(None)
        self.mark(DISCONNECTED_COLOUR, reason, details)

    def show_state(self):
        """Alarm and range of the value; while a user types also the value."""
        if self.value is None:
            return
        states = [alarm_of(self.value), out_of_range(self.value)]
        colour = ALARM_COLOURS[self.value.severity]
        if states[1]:
            colour = colour or OUT_OF_RANGE_COLOUR
        if isinstance(self.widget, NumberBox) and self.widget.is_typing:
            states.insert(0, f"now {text_of(self.value, exact=True)}")
        self.mark(colour, ", ".join(filter(None, states)), text_of(self.value, True))

    def mark(self, colour, text, details):
        self.note.setText(text)
        self.setToolTip(f"{details}\n{text}".strip())
        style = style_of(colour)
        if style != self.widget.styleSheet():
            self.widget.setStyleSheet(style)
