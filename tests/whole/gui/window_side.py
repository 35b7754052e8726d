"""Works with the oscilloscope's window as its user does; runs in its environment."""

import sys
import time

from oscilloscope import PREFIX, PVDB, Oscilloscope
from PySide6.QtWidgets import QApplication
from scope_gui import Window

from pcaspy import SimpleServer
from pcaspy.tools import ServerThread

SECONDS = 40


def wait_for(application, what):
    deadline = time.monotonic() + SECONDS
    while not what():
        assert time.monotonic() < deadline, what.__code__
        application.processEvents()
        time.sleep(0.005)


def work(application, window, driver):
    widgets = window.widgets
    wait_for(application, lambda: all(w.isEnabled() for w in widgets.values()))
    wait_for(application, lambda: window.pictures_shown >= 2)
    assert widgets["Run"].isChecked()

    widgets["NoiseAmplitude"].setValue(0)
    wait_for(application, lambda: driver.getParam("NoiseAmplitude") == 0)
    widgets["VoltOffset"].setValue(2)
    wait_for(application, lambda: abs(max(window.curve.yData) - 8) < 0.01)
    assert len(window.curve.xData) == 1000

    # Another gain brings other choices, which the server tells.
    box = widgets["VertGainSelect"]
    box.setCurrentIndex(1)
    box.activated.emit(1)
    volts = widgets["VoltsPerDivSelect"]
    wait_for(application, lambda: volts.itemText(0) == "0.10")
    wait_for(application, lambda: driver.getParam("VoltsPerDiv_RBV") == 0.1)

    widgets["Run"].click()
    wait_for(application, lambda: driver.getParam("Run") == 0)

    # What another client sets is shown and not put again.
    driver.setParam("UpdateTime", 3.5)
    driver.updatePVs()
    wait_for(application, lambda: widgets["UpdateTime"].value() == 3.5)
    assert widgets["UpdateTime"].suffix() == " s"


def main():
    application = QApplication([])
    server = SimpleServer()
    server.createPV(PREFIX, PVDB)
    driver = Oscilloscope()
    thread = ServerThread(server)
    thread.start()
    window = Window()
    window.show()
    try:
        work(application, window, driver)
        server.close()
        run = window.widgets["Run"]
        wait_for(application, lambda: not run.isEnabled())
        wait_for(
            application,
            lambda: window.statusBar().currentMessage().startswith("0 of "),
        )
    finally:
        window.close()
        thread.stop()
        thread.join()
    print("done")


if __name__ == "__main__":
    sys.exit(main())
