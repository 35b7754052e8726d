"""Another client, in a process of its own: one request after the other, timed.

`outsider.py PORT NAME get|put`; the command "figures" gives the median and the worst
time in milliseconds, and how many there were.
"""

import itertools
import statistics
import struct
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

from support import dbr, wire
from support.child_side import answer_commands_in_thread, say
from support.ports import LOOPBACK

PAUSE = 0.002


def main():
    port, name, kind = sys.argv[1:]
    circuit = wire.Circuit((LOOPBACK, int(port)))
    channel = circuit.create(name)
    times = []

    def handle(do):
        if do == "count":
            return len(times)
        return 1e3 * statistics.median(times), 1e3 * max(times), len(times)

    say("READY", {})
    ended = answer_commands_in_thread(handle)
    for n in itertools.count(1):
        if ended.is_set():
            return
        fields = {"type": dbr.LONG, "count": 1, "p1": channel.sid, "p2": n}
        if kind == "put":
            command = wire.WRITE_NOTIFY
            request = wire.pack(command, struct.pack(">i", n & 0xFFFF), **fields)
        else:
            command = wire.READ_NOTIFY
            request = wire.pack(command, **fields)
        begin = time.perf_counter()
        circuit.send(request)
        circuit.expect(command, timeout=120, p2=n)
        times.append(time.perf_counter() - begin)
        time.sleep(PAUSE)


main()
