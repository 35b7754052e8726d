"""A client that nobody here wrote: pyepics. Run by an interpreter that has it."""

import os
import time

import epics
from child_side import answer_commands, say
from watching import PREFIX, WATCHED, Watch

watch = Watch()


def on_value(pvname, value, **_rest):
    watch.note(pvname, value)


pvs = [epics.PV(name, callback=on_value, auto_monitor=True) for name in WATCHED]
put = epics.PV(PREFIX + "PUT7")
state = {"number": 0}


def handle(do):
    if do == "last":
        return watch.last
    if do == "report":
        return {"updates": watch.updates, "wrong": watch.wrong, "puts": state["number"]}
    state["number"] += 1
    put.put(state["number"], wait=True, timeout=20)
    return None


deadline = time.monotonic() + 15
while not all(pv.connected for pv in pvs) and time.monotonic() < deadline:
    time.sleep(0.01)
say("READY", {})
answer_commands(handle)
os._exit(0)
