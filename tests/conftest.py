"""Makes `support` and `servers` importable from every test; orders the test files."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

# They compile, or start many interpreters: begun first, so that no process that runs
# tests is left with one of them at the end while the others have nothing to do.
LONGEST = ("cpp", "packaging", "typing", "gui")


def pytest_collection_modifyitems(items):
    items.sort(key=lambda item: item.path.parent.name not in LONGEST)
