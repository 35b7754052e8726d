"""Looks into the server all the time: each request of the control socket, and puts."""

import itertools
import sys
import threading

from child_side import answer_commands, say
from watching import PREFIX

from pcaspy.control.client import Control, ControlError

SORTS = ("name", "value", "alarm", "age", "clients", "rate")
ASKED = ("hello", "stats", "circuits", "slow", "misses")


class Looks:
    def __init__(self, path):
        self.control = Control(path, timeout=60)
        self.counters = {"answers": 0, "puts": 0, "refused": 0}
        self.wrong = []
        self.turn = threading.Lock()  # held while it asks
        self.ended = threading.Event()
        threading.Thread(target=self.look_for_ever, daemon=True).start()

    def look_for_ever(self):
        for number, sort in enumerate(itertools.cycle(SORTS)):
            if self.ended.wait(0.2):
                return
            with self.turn:
                try:
                    self.look(number, sort)
                except (OSError, ControlError) as error:
                    self.wrong.append(repr(error))
                    return

    def look(self, number, sort):
        rows = self.control.ask("pvs", sort=sort, descending=True, limit=50)["rows"]
        what = self.control.ask(ASKED[number % len(ASKED)])
        self.counters["answers"] += 2
        if what.get("rows") and "circuit" in what["rows"][0]:
            circuit = what["rows"][0]["circuit"]
            try:
                self.control.ask("channels", circuit=circuit)
            except ControlError:  # it has just gone
                self.counters["refused"] += 1
        if not rows:
            self.wrong.append("there are no PVs")
        if number % 5 == 0:
            self.control.ask("put", pv=PREFIX + "PUT6", value=number)
            self.counters["puts"] += 1

    def handle(self, do):
        if do == "last":
            return {}
        if do == "hold":
            self.turn.acquire()
        elif do == "go_on":
            self.turn.release()
        return {**self.counters, "wrong": self.wrong[:10]}


say("READY", {})
answer_commands(Looks(sys.argv[1]).handle)
