"""Works with the oscilloscope's window as its user does; runs in its environment.

Usage: window_side.py [pva]
"""

import sys

from oscilloscope import PREFIX, PVDB, Oscilloscope
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication
from scope_gui import Window, client_for
from waiting import wait_for

from pcaspy import SimpleServer
from pcaspy.tools import ServerThread


def enter(box, text):
    box.setFocus()
    box.lineEdit().selectAll()
    QTest.keyClicks(box, text)
    QTest.keyClick(box, Qt.Key.Key_Return)


def choose(box, index):
    box.setCurrentIndex(index)
    box.activated.emit(index)


def agrees(screen, driver):
    """Whether the trace has the extremes that the server measured."""
    volts = screen.curve.yData
    if volts is None or len(volts) != 1000:
        return False
    measured = driver.getParam("MinValue_RBV"), driver.getParam("MaxValue_RBV")
    return max(abs(volts.min() - measured[0]), abs(volts.max() - measured[1])) < 1e-9


def work(application, window, driver):
    screen = window.screen_of_scope
    names = window.client.names
    wait_for(application, lambda: len(window.connected) == len(names))
    wait_for(application, lambda: screen.pictures_shown >= 2)
    widgets = {name: field.widget for name, field in window.fields.items()}
    assert widgets["Run"].currentText() == "Run"
    for name, field in window.fields.items():
        expected = "MINOR STATE" if name == "Run_RBV" else ""
        assert field.note.text() == expected, name

    # It is stopped: a picture is the answer to a change, and stays.
    choose(widgets["Run"], 0)
    wait_for(application, lambda: driver.getParam("Run") == 0)
    wait_for(application, lambda: agrees(screen, driver))
    enter(widgets["NoiseAmplitude"], "0")
    wait_for(application, lambda: driver.getParam("NoiseAmplitude") == 0)
    enter(widgets["VoltOffset"], "2 V")
    box = screen.plot.getViewBox()
    wait_for(application, lambda: box.viewRange() == [[0, 10], [-7, 3]], box.viewRange)
    wait_for(application, lambda: agrees(screen, driver))
    assert abs(max(screen.curve.yData) - 1) < 0.01

    # Another gain brings other choices, which the server tells.
    choose(widgets["VertGainSelect"], 1)
    volts = widgets["VoltsPerDivSelect"]
    wait_for(application, lambda: volts.itemText(0) == "0.10")
    wait_for(application, lambda: driver.getParam("VoltsPerDiv_RBV") == 0.1)
    wait_for(application, lambda: box.viewRange()[1] == [-2.5, -1.5], box.viewRange)
    wait_for(application, lambda: agrees(screen, driver))

    # What the server does not have is refused, and not shown.
    enter(widgets["TriggerDelay"], "1")
    message = window.statusBar().currentMessage
    wait_for(application, lambda: "Trigger delay was not set to 1" in message())
    assert message().endswith("(range: 0 to 0.01 s)")
    assert widgets["TriggerDelay"].lineEdit().text() == "0.00000 s"

    # What another client sets is shown and not put again.
    driver.setParam("UpdateTime", 3.5)
    driver.updatePVs()
    text = widgets["UpdateTime"].lineEdit().text
    wait_for(application, lambda: text() == "3.500 s")


def main():
    application = QApplication([])
    pva = sys.argv[1:] == ["pva"]
    server = SimpleServer(pva=pva)
    server.createPV(PREFIX, PVDB)
    driver = Oscilloscope()
    thread = ServerThread(server)
    thread.start()
    window = Window(client_for(pva))
    window.show()
    try:
        work(application, window, driver)
        thread.stop()
        thread.join()
        server.close()
        run = window.fields["Run"].widget
        wait_for(application, lambda: not run.isEnabled())
        wait_for(application, lambda: window.connections.text().startswith("0 of "))
    finally:
        window.close()
        thread.stop()
        thread.join()
    print("done")


if __name__ == "__main__":
    sys.exit(main())
