"""State files, and servers that keep values in them."""

import time

from pcaspy import Driver
from pcaspy.state.format import parse
from pcaspy.testing import IsolatedServer

SECONDS = 50.0


def values_in(path):
    """{name: value} of an intact file."""
    parsed = parse(path.read_bytes())
    assert parsed.damaged is None
    return {name: entry["value"] for name, entry in parsed.entries.items()}


def wait_until(holds, what):
    deadline = time.monotonic() + SECONDS
    while not holds():
        assert time.monotonic() < deadline, what
        time.sleep(0.005)


def messages(caplog):
    return [r.getMessage() for r in caplog.records if r.name == "pcaspy.state"]


def is_saved(path, value, name="X:A"):
    return lambda: path.exists() and values_in(path).get(name) == value


class Kept:
    """A server with values in a file, and its driver, for a ``with`` block."""

    def __init__(self, path, pvdb, driver=Driver, threaded=False, **options):
        options.setdefault("autosave", {"*": 0.1})
        self.server = IsolatedServer(threaded=threaded, state=path, **options)
        self.server.createPV("X:", pvdb)
        self.driver = driver()

    def __enter__(self):
        self.server.__enter__()
        return self.driver

    def __exit__(self, *exc):
        self.server.__exit__(*exc)
