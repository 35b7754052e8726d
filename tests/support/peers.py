"""Virtual environments of clients and servers that nobody here wrote.

`python tests/support/peers.py NAME...` makes `.peers/NAME` in the project's root, or
all of them without a name. An environment is made once and kept while its stamp, that
is the interpreter and the pinned requirements, stays the same.
"""

from __future__ import annotations

import contextlib
import shutil
import subprocess
import sys
import venv
from collections.abc import Iterator
from pathlib import Path

try:
    import fcntl
except ModuleNotFoundError:  # Windows: make the environments before the tests
    fcntl = None  # type: ignore[assignment]

ROOT = Path(__file__).parents[2]
PEERS = ROOT / ".peers"
EPICSCORELIBS = "epicscorelibs==7.0.10.99.0.2"

# pyepics and pcaspy bring an EPICS library of their own; the others use epicscorelibs.
REQUIREMENTS = {
    "pyepics": ["pyepics==3.5.10"],
    "caproto": ["caproto==1.3.0", "numpy"],
    "aioca": ["aioca==2.1", EPICSCORELIBS],
    "p4p": ["p4p==4.3.0"],
    "softioc": ["softioc==4.7.2"],
    "pcaspy": ["pcaspy==0.8.1", "numpy"],
    # For the examples with a window, together with this project's own packages.
    "gui": ["PySide6-Essentials>=6.6", "pyqtgraph>=0.13", "numpy", "epicscorelibs"],
    "pydm": ["pydm==1.29.0", "PyQt5>=5.15"],
}


@contextlib.contextmanager
def only_one(name: str) -> Iterator[None]:
    """Processes of tests that want the same environment wait for each other here."""
    PEERS.mkdir(exist_ok=True)
    with open(PEERS / f"{name}.lock", "w") as lock:
        if fcntl:
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def peer_python(name: str) -> Path:
    """The interpreter of a peer's environment, which is made if it is not there."""
    with only_one(name):
        return _made(PEERS / name, name)


def _made(folder: Path, name: str) -> Path:
    python = folder / "bin" / "python"
    stamp = folder / "stamp"
    wanted = "\n".join([sys.version, *REQUIREMENTS[name]]) + "\n"
    if stamp.exists() and stamp.read_text() == wanted and python.exists():
        return python
    shutil.rmtree(folder, ignore_errors=True)
    venv.create(folder, with_pip=False, symlinks=True)
    subprocess.run(
        [
            *(sys.executable, "-m", "pip", "--python", str(python), "install"),
            *("--quiet", "--disable-pip-version-check", "--only-binary", ":all:"),
            *REQUIREMENTS[name],
        ],
        check=True,
    )
    stamp.write_text(wanted)
    return python


def main(names: list[str]) -> None:
    """Make the environments and print their interpreters."""
    for name in names or REQUIREMENTS:
        print(name, peer_python(name), flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
