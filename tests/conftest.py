"""Makes `support` and `servers` importable from every test; orders the test files."""

import signal
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

# They compile, or start many interpreters: begun first, so that no process that runs
# tests is left with one of them at the end while the others have nothing to do.
LONGEST = ("cpp", "packaging", "typing", "gui")


def pytest_collection_modifyitems(items):
    items.sort(key=lambda item: item.path.parent.name not in LONGEST)


# A shell lets what it runs in the background ignore Ctrl-C, and so would every program
# that a test starts and ends that way.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)
