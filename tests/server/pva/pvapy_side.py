"""A pvapy client (pvAccessCPP), in the environment "pvapy": `python pvapy_side.py`.

Which server it finds comes from EPICS_PVA_*. The functions below are its commands.
"""

import queue
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

import pvaccess

from support.child_side import answer_commands, say

_channels = {}
_events = {}


def channel(pv):
    if pv not in _channels:
        _channels[pv] = pvaccess.Channel(pv)
        _channels[pv].setTimeout(60)
    return _channels[pv]


def plain(found):
    """What JSON can carry."""
    if isinstance(found, dict):
        return {name: plain(item) for name, item in found.items()}
    if hasattr(found, "tolist"):
        return found.tolist()
    return found


def get(pv, request="field()"):
    """All fields: pvapy's own default is the value."""
    return plain(channel(pv).get(request).toDict())


def put(pv, value, request="field(value)"):
    """None, or the error."""
    try:
        channel(pv).put(value, request)
    except pvaccess.PvaException as error:
        return str(error)
    return None


def monitor(pv, request="field()"):
    _events[pv] = queue.SimpleQueue()
    channel(pv).subscribe("all", lambda update: _events[pv].put(update.toDict()))
    channel(pv).startMonitor(request)


def event(pv):
    return plain(_events[pv].get(timeout=60))


def cancel(pv):
    channel(pv).stopMonitor()
    channel(pv).unsubscribe("all")


def handle(do, **arguments):
    return globals()[do](**arguments)


if __name__ == "__main__":
    say("READY", {})
    answer_commands(handle)
