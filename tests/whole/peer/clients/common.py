"""What every client script shares: JSON-able values and collected events.

Runs in the peers' environments, so it uses the standard library only.
"""

import sys
import threading
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[3]))

from support.child_side import answer_commands, say

LIMITS = (
    "upper_disp_limit",
    "lower_disp_limit",
    "upper_alarm_limit",
    "upper_warning_limit",
    "lower_warning_limit",
    "lower_alarm_limit",
    "upper_ctrl_limit",
    "lower_ctrl_limit",
)


def plain(value):
    """Numbers, strings and lists of them, from whatever a client library returns."""
    if isinstance(value, bytes):
        return value.decode("latin-1")
    if isinstance(value, str):
        return str(value)
    if hasattr(value, "tolist"):
        return plain(value.tolist())
    if isinstance(value, (list, tuple)) or hasattr(value, "__len__"):
        return [plain(v) for v in value]
    return value


def as_list(value):
    """Every value as a list of elements."""
    value = plain(value)
    return value if isinstance(value, list) else [value]


class Events:
    """Events of one subscription; filled by a thread of the client library."""

    def __init__(self):
        self._changed = threading.Condition()
        self._events = []

    def add(self, event):
        with self._changed:
            self._events.append(event)
            self._changed.notify_all()

    def take(self, number, timeout):
        """Wait for `number` events; all there are by then."""
        deadline = time.monotonic() + timeout
        with self._changed:
            while len(self._events) < number:
                left = deadline - time.monotonic()
                if left <= 0 or not self._changed.wait(left):
                    break
            taken, self._events = self._events, []
        return taken


def run(client):
    """Answer commands with the methods of `client`."""
    say("READY", {})
    answer_commands(lambda do, **arguments: getattr(client, do)(**arguments))
    close = getattr(client, "close", None)
    if close:
        close()
