"""Serves values that change all the time; says which ones it has restored.

Arguments: the file, and how many PVs.
"""

import sys
import time

from pcaspy import Driver
from pcaspy.testing import IsolatedServer

path, count = sys.argv[1], int(sys.argv[2])
server = IsolatedServer(state=path, autosave={"*": 0.1})
server.createPV("K:", {f"N{n}": {"type": "int"} for n in range(count)})
driver = Driver()
with server:
    values = [driver.getParam(f"N{n}") for n in range(count)]
    print(" ".join(map(str, values)), flush=True)
    number = max(values)
    while True:
        number += 1
        driver.setParams({f"N{n}": number for n in range(count)})
        print(number, flush=True)
        time.sleep(0.0005)
