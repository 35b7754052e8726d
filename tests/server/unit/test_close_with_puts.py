"""close() while put callbacks of one PV wait for each other."""

import os
import subprocess
import sys
from pathlib import Path

PROGRAM = """
import sys
sys.path.insert(0, sys.argv[1])
from pcaspy import Driver, SimpleServer
from support.wire import WRITE_NOTIFY, Circuit, pack

server = SimpleServer(port=0, interfaces=["127.0.0.1"], auto_beacon_addresses=False)
server.createPV("P:", {"SLOW": {"asyn": True}})


class Slow(Driver):
    def write(self, reason, value):
        return True


driver = Slow()
server.start()
for _ in range(20):
    with Circuit(("127.0.0.1", server.tcp_port)) as circuit:
        channel = circuit.create("P:SLOW")
        data = pack(WRITE_NOTIFY, bytes(8), type=6, count=1, p1=channel.sid)
        circuit.send(10 * data)
        circuit.drain()
        server.process(0.01)  # one is in the driver's hands now
        circuit.drain()
        server.close()
        server.start()
print("done")
"""


def test_close_while_puts_wait_for_each_other():
    """Nothing of them is used after it was freed: freed memory is overwritten."""
    tests = str(Path(__file__).parents[2])
    ended = subprocess.run(
        [sys.executable, "-c", PROGRAM, tests],
        env={
            **os.environ,
            "MALLOC_PERTURB_": "165",
            "GLIBC_TUNABLES": "glibc.malloc.tcache_count=0",
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert (ended.returncode, ended.stdout) == (0, "done\n"), ended.stderr
