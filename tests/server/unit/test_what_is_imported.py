"""Programs that serve numbers and text import neither numpy nor asyncio."""

import subprocess
import sys

SERVES_NUMBERS = """
import os, socket, struct, sys
import pcaspy
from pcaspy import Driver, SimpleServer

server = SimpleServer(port=0, interfaces=["127.0.0.1"], beacon_addresses=[],
                      auto_beacon_addresses=False)
server.createPV("LAZY:", {
    "NUMBER": {"value": 1.5}, "TEXT": {"type": "string"},
    "STATE": {"type": "enum", "enums": ["off", "on"]},
    "LIST": {"count": 4, "value": [1, 2, 3, 4]},
})

class Numbers(Driver):
    def write(self, reason, value):
        self.setParam(reason, value)
        self.updatePVs()
        return True

driver = Numbers()
server.start()
driver.write("NUMBER", 2.5)
driver.setParam("TEXT", "text")
driver.setParam("STATE", 1)
driver.setParam("LIST", [4, 3, 2, 1])
driver.updatePVs()
server.process(0.01)
assert driver.getParam("LIST") == [4, 3, 2, 1]
print(sorted({"numpy", "asyncio", "inspect"} & sys.modules.keys()))
from pcaspy.cas import *
print(gdd.__name__, "numpy" in sys.modules)
"""


def test_what_a_server_of_numbers_imports():
    ran = subprocess.run(
        [sys.executable, "-c", SERVES_NUMBERS],
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert ran.stderr == ""
    assert ran.stdout == "[]\ngdd True\n"
