"""A server whose threads do all at once, at random: `python ... SEED THREADS`.

So many threads call process() for random times, one posts COUNTER, one forks. Puts take
up to 5 ms, with or without the GIL. The command `end` stops posting and forking.
"""

import os
import random
import sys
import threading
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

from pcaspy import Driver, SimpleServer
from support.child_side import answer_commands_in_thread, say

PREFIX = "LEAD:"
CLIENTS = 3
PVDB = {
    "COUNTER": {"type": "int"},
    "CACHED": {"value": 4.5},
    **{f"PUT{i}": {"type": "int"} for i in range(CLIENTS)},
}


class SlowDriver(Driver):
    def __init__(self, seed):
        super().__init__()
        self.random = random.Random(seed)
        self.written = {reason: [] for reason in PVDB}

    def write(self, reason, value):
        kind, seconds = self.random.random(), self.random.random() * 0.005
        if kind < 0.1:
            time.sleep(seconds)
        elif kind < 0.15:
            end = time.perf_counter() + seconds
            while time.perf_counter() < end:
                pass
        self.written[reason].append(value)
        self.setParam(reason, value)
        if kind > 0.5:
            self.updatePVs()
        return True


def post(driver, stopped):
    posted = 0
    while not stopped.is_set():
        posted += 1
        driver.setParam("COUNTER", posted)
        driver.updatePV("COUNTER")
        time.sleep(driver.random.choice((0, 0, 0.0001, 0.002)))
    return posted


def fork(stopped):
    forks = 0
    while not stopped.is_set():
        child = os.fork()
        if child == 0:
            os._exit(7)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 7
        forks += 1
        time.sleep(0.02)
    return forks


def main():
    seed, count = int(sys.argv[1]), int(sys.argv[2])
    server = SimpleServer()
    server.createPV(PREFIX, PVDB)
    driver = SlowDriver(seed)
    server.process(0.01)
    stopped = threading.Event()
    results = {}
    threads = [
        threading.Thread(target=lambda: results.update(posted=post(driver, stopped))),
        threading.Thread(target=lambda: results.update(forks=fork(stopped))),
    ]

    def end():
        stopped.set()
        for thread in threads:
            thread.join()
        return {**results, "written": driver.written}

    ended = answer_commands_in_thread(lambda command: {"end": end}[command]())

    def serve(number):
        times = random.Random(seed + number)
        while not ended.is_set():
            server.process(times.choice((0.0, 0.0003, 0.001, 0.01, 0.1)))

    serving = [threading.Thread(target=serve, args=(n,)) for n in range(1, count)]
    for thread in threads + serving:
        thread.start()
    say("READY", {"tcp_port": server.tcp_port})
    serve(0)
    for thread in serving:
        thread.join()
    server.close()


if __name__ == "__main__":
    main()
