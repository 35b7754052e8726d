"""What a client program tells the test: what it has seen, and what it wants done.

Runs in the environments of the clients, so it imports nothing but the standard library.
"""

import json
import sys
import threading

DEADLINE = 60.0
_lock = threading.Lock()


def plain(value):
    """What JSON can carry."""
    if hasattr(value, "tolist"):
        return plain(value.tolist())
    if isinstance(value, bytes):
        return value.decode("latin-1")
    if isinstance(value, dict):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    return repr(value)


def seen(what, value):
    """One line of the transcript that the test compares."""
    with _lock:
        print("SEEN", json.dumps([what, plain(value)]), flush=True)


def ask(what):
    """Have the test do something, and wait until it is done."""
    with _lock:
        print("ASK", what, flush=True)
    assert sys.stdin.readline() == "done\n"


def attempt(what, function, *args, **kwargs):
    """The result of a call, or its exception's type and text."""
    try:
        seen(what, function(*args, **kwargs))
    except Exception as error:
        seen(what, f"{type(error).__name__}: {error}")


class Updates:
    """Collects what callbacks bring; another thread waits for what it wants."""

    def __init__(self):
        self._arrived = threading.Condition()
        self._items = []

    def __call__(self, item):
        with self._arrived:
            self._items.append(plain(item))
            self._arrived.notify_all()

    def until(self, item):
        """Everything up to and with this item."""
        item = plain(item)
        with self._arrived:
            if not self._arrived.wait_for(lambda: item in self._items, DEADLINE):
                raise AssertionError(f"{item} is not among {self._items}")
            end = self._items.index(item) + 1
            found, self._items = self._items[:end], self._items[end:]
            return found

    def reach(self, item):
        """This item; how many came before is not told."""
        return self.until(item)[-1]
