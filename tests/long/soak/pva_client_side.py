"""A client that nobody here wrote: p4p. Run by an interpreter that has it."""

import os
import threading

from child_side import answer_commands, say
from p4p.client.thread import Context
from watching import PREFIX

NAMES = [f"{PREFIX}SCALAR{i}" for i in range(20)] + [
    f"{PREFIX}ARRAY{i}" for i in range(4)
]
last = {}
counters = {"updates": 0, "puts": 0}
came = threading.Condition()


def monitor(context, name):
    def on_value(value):
        if isinstance(value, Exception):
            return
        number = value[0] if hasattr(value, "__len__") else value
        with came:
            counters["updates"] += 1
            last[name] = float(number)
            came.notify_all()

    return context.monitor(name, on_value)


context = Context("pva")
monitors = [monitor(context, name) for name in NAMES]


def handle(do):
    if do == "last":
        with came:
            return dict(last)
    if do == "report":
        return {**counters, "wrong": []}
    counters["puts"] += 1
    context.put(PREFIX + "PUT5", counters["puts"], timeout=20)
    return None


with came:
    if not came.wait_for(lambda: len(last) == len(NAMES), 60):
        raise SystemExit(f"not found: {sorted(set(NAMES) - last.keys())}")
say("READY", {})
answer_commands(handle)
os._exit(0)
