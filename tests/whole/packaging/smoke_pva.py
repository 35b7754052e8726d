"""A server and a PVAccess client in one process: what the extra `pva` adds."""

import os

# A client takes the server's ports from its own variables.
os.environ.update(EPICS_PVAS_SERVER_PORT="0", EPICS_PVAS_BROADCAST_PORT="0")
os.environ.update(EPICS_PVAS_INTF_ADDR_LIST="127.0.0.1")

from p4p.client.thread import Context

from pcaspy import Driver, SimpleServer
from pcaspy.tools import ServerThread

server = SimpleServer(port=0, interfaces=["127.0.0.1"], pva=True)
server.createPV("SMOKE:", {"POSITION": {"unit": "mm"}})
driver = Driver()
server.start()
with ServerThread(server):
    found = {
        "EPICS_PVA_ADDR_LIST": "127.0.0.1",
        "EPICS_PVA_AUTO_ADDR_LIST": "NO",
        "EPICS_PVA_BROADCAST_PORT": str(server.pva_udp_port),
    }
    with Context("pva", conf=found, useenv=False) as client:
        client.put("SMOKE:POSITION", 2.5, wait=True)
        value = client.get("SMOKE:POSITION")
        print(float(value), value.raw.display.units)
server.close()
