"""For the programs that tests start: they wait for what a window shows."""

import time

SECONDS = 90


def wait_for(application, what, found=None):
    """Handles events until `what()` is true; `found()` goes into the complaint."""
    deadline = time.monotonic() + SECONDS
    while not what():
        seen = found() if found else what.__code__
        assert time.monotonic() < deadline, seen
        application.processEvents()
        time.sleep(0.005)
