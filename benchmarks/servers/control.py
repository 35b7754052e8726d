"""How a benchmark server is told what to do: lines on stdin, one JSON line each back.

    rounds SECONDS PERIOD PVS each|batch   post to PVs 0 ... PVS-1, a round each period
    rounds SECONDS PERIOD POSTS same       so many posts to PV 0, a round each period
    stamps COUNT PERIOD                    single posts of the time to PV 0
    array SECONDS                          post the array of 100,000 doubles, flat out
    sparse COUNT                           COUNT times post all when one PV has changed
    writes                                 how many puts were handled so far

The C servers know those of these commands that they can do. Each post carries the time
it was made, so that the client can tell the delay. Standard library only: this runs in
the environment of every peer.
"""

import json
import os
import random
import sys
import threading
import time

PREFIX = "BENCH:"
MONITORED_ARRAY = "ARRAYx100000"
READ_ARRAY = "ARRAYx1000000"
ARRAYS = {MONITORED_ARRAY: 100_000, READ_ARRAY: 1_000_000}


def resident_bytes():
    """Memory of this process that is in RAM."""
    with open("/proc/self/statm") as statm:
        return int(statm.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def announce(**facts):
    """Write one answer; the first one says that the server is ready."""
    print(json.dumps(facts), flush=True)


class Created:
    """Times and weighs the creation of PVs: `with Created() as c: ...; c.facts`."""

    def __enter__(self):
        self.memory = resident_bytes()
        self.start = time.perf_counter()
        return self

    def __exit__(self, *exc):
        seconds = time.perf_counter() - self.start
        grown = resident_bytes() - self.memory
        self.facts = {"create_s": seconds, "grown_bytes": grown}


def pace(seconds, period):
    """Yield once each period for that many seconds; late rounds are not made up for."""
    start = following = time.perf_counter()
    while (now := time.perf_counter()) < start + seconds:
        yield
        following = max(following + period, now)
        time.sleep(max(0.0, following - time.perf_counter()))


class Poster:
    """The commands in terms of what a server can do; a base class per adapter."""

    writes = 0

    def post(self, index, value):
        """Set PV `index` and send it to its subscribers."""
        raise NotImplementedError

    def post_all(self, count, value):
        """Set PVs 0 ... count-1, then send what has changed."""
        for index in range(count):
            self.post(index, value)

    def post_array(self, value):
        raise NotImplementedError

    def make_arrays(self):
        import numpy as np

        return [np.full(ARRAYS[MONITORED_ARRAY], float(i)) for i in range(2)]

    def rounds(self, seconds, period, pvs, how):
        rounds = 0
        for _ in pace(seconds, period):
            rounds += 1
            if how == "batch":
                self.post_all(pvs, time.time())
            else:
                step = 0 if how == "same" else 1
                for index in range(pvs):
                    self.post(index * step, time.time())
        return {"posts": rounds * pvs, "rounds": rounds}

    def stamps(self, count, period):
        for _ in range(count):
            time.sleep(period * random.uniform(0.5, 1.5))
            self.post(0, time.time())
        return {"posts": count}

    def array(self, seconds):
        values = self.make_arrays()
        posts = 0
        for _ in pace(seconds, 0.0):
            self.post_array(values[posts % 2])
            posts += 1
        return {"posts": posts}

    def run_command(self, line):
        command, *arguments = line.split()
        if command == "rounds":
            seconds, period, pvs, how = arguments
            return self.rounds(float(seconds), float(period), int(pvs), how)
        if command == "stamps":
            return self.stamps(int(arguments[0]), float(arguments[1]))
        if command == "array":
            return self.array(float(arguments[0]))
        if command == "sparse":
            return self.sparse(int(arguments[0]))
        if command == "writes":
            return {"writes": self.writes}
        raise ValueError(line)


def serve_stdin(poster):
    """Answer commands in a thread of its own; the process ends when stdin does."""

    def run():
        for line in sys.stdin:
            announce(**poster.run_command(line))
        os._exit(0)

    threading.Thread(target=run, daemon=True).start()
