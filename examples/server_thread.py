"""The server in a ServerThread, the main loop in the hands of something else.

The main loop here counts MTEST:COUNT up for some seconds; then the thread is stopped
and the program ends. Usage: python server_thread.py [SECONDS]
"""

import sys
import time

from pcaspy import Driver, SimpleServer
from pcaspy.tools import ServerThread

PREFIX = "MTEST:"
PVDB = {"COUNT": {"type": "int", "udf": False}}


class CountDriver(Driver):
    def count_up(self):
        self.setParam("COUNT", self.getParam("COUNT") + 1)
        self.updatePVs()


def main(seconds):
    server = SimpleServer()
    server.createPV(PREFIX, PVDB)
    driver = CountDriver()
    thread = ServerThread(server)
    thread.start()
    try:
        for _ in range(round(10 * seconds)):
            driver.count_up()
            time.sleep(0.1)
    except KeyboardInterrupt:
        pass
    finally:
        thread.stop()
        thread.join()
    print("stopped after", driver.getParam("COUNT"))


if __name__ == "__main__":
    main(float(sys.argv[1]) if len(sys.argv) > 1 else 10)
