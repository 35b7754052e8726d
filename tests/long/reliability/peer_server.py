"""TARGET, LONG and BIG on another project's server: `peer_server.py KIND PREFIX`."""

import os
import sys
import threading
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

from support.child_side import say

KIND, PREFIX = sys.argv[1:]
PORT = int(os.environ["EPICS_CAS_SERVER_PORT"])
READY = {"tcp_port": PORT, "udp_port": PORT}


def end_with_input():
    """The parent closes the standard input."""
    sys.stdin.read()
    os._exit(0)


def run_pcaspy():
    import pcaspy

    server = pcaspy.SimpleServer()
    server.createPV(
        PREFIX,
        {
            "TARGET": {"type": "float"},
            "LONG": {"type": "int", "value": 5},
            "BIG": {"type": "int", "count": 100_000, "value": [7] * 100_000},
        },
    )
    driver = pcaspy.Driver()
    server.process(0.1)
    say("READY", READY)
    while driver:
        server.process(0.05)


def run_caproto():
    from caproto import ChannelDouble, ChannelInteger
    from caproto.asyncio.server import run

    pvs = {
        PREFIX + "TARGET": ChannelDouble(value=0.0),
        PREFIX + "LONG": ChannelInteger(value=5),
        PREFIX + "BIG": ChannelInteger(value=[7] * 100_000),
    }

    async def ready(_lib):
        say("READY", READY)

    run(pvs, interfaces=["127.0.0.1"], startup_hook=ready)


threading.Thread(target=end_with_input, daemon=True).start()
{"pcaspy": run_pcaspy, "caproto": run_caproto}[KIND]()
