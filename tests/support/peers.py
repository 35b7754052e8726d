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
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

try:
    import fcntl
except ModuleNotFoundError:  # Windows: make the environments before the tests
    fcntl = None  # type: ignore[assignment]

ROOT = Path(__file__).parents[2]
PEERS = ROOT / ".peers"
EPICSCORELIBS = "epicscorelibs==7.0.10.99.0.2"
SERVER = ["pcaspy==0.8.1", "numpy", EPICSCORELIBS]
CLIENT = ["aioca==2.1", "numpy", EPICSCORELIBS]

# pyepics and pcaspy bring an EPICS library of their own; the others use epicscorelibs.
REQUIREMENTS = {
    "pyepics": ["pyepics==3.5.10"],
    "caproto": ["caproto==1.3.0", "numpy"],
    "aioca": ["aioca==2.1", EPICSCORELIBS],
    "p4p": ["p4p==4.3.0"],
    "pvapy": ["pvapy==5.6.0", "numpy"],
    "softioc": ["softioc==4.7.2"],
    "pcaspy": ["pcaspy==0.8.1", "numpy"],
    "repics": ["repics==0.3.0", "numpy"],
    # For the examples with a window, together with this project's own packages.
    # PySide6 6.12.0 loses references with Python before 3.12.
    "gui": [
        "PySide6-Essentials>=6.6,!=6.12.0; python_version<'3.12'",
        "PySide6-Essentials>=6.6; python_version>='3.12'",
        *("pyqtgraph>=0.13", "numpy", "epicscorelibs", "p4p==4.3.0"),
    ],
    # A notebook, with this project's own packages.
    "jupyter": ["nbclient>=0.10", "ipykernel>=6.29", "numpy", "epicscorelibs"],
    "pydm": ["pydm==1.29.0", "PyQt5>=5.15"],
    # Servers that are written with pcaspy, and clients that are written with aioca, for
    # tests/whole/programs: with the released package, and with what this project needs
    # to run in its place.
    "lewis": ["lewis==1.4.0", *SERVER],
    "ligo-softioc": ["gpstime", *SERVER],
    "lume-pva": [
        *("lume-pva==0.5.0", "lume-pva-apg[ca,pva]==0.1.5", "pyepics==3.5.10"),
        *("pytest", *SERVER, "--no-binary=pvua"),
    ],
    "ophyd-async": ["ophyd-async[ca]==0.21.3", *CLIENT],
    "coniql": ["coniql==0.4.2", *CLIENT, "--no-binary=quantile-python"],
    # Clients of other libraries.
    "pyca": ["pyca-epics==3.3.3", EPICSCORELIBS, "numpy"],
    "cachannel": ["CaChannel==3.2.0", "numpy"],
    "cothread": ["cothread==2.20.1", EPICSCORELIBS, "numpy"],
}
# What is installed afterwards without its dependencies, which ask for another version.
WITHOUT_DEPENDENCIES = {"ligo-softioc": ["ligo-softioc==0.1.7"]}
NEEDS_PYTHON = {"ophyd-async": (3, 11), "lume-pva": (3, 11)}


def unavailable(name: str) -> str:
    """Why this interpreter cannot have a peer; empty if it can."""
    needed = NEEDS_PYTHON.get(name, (3, 10))
    if sys.version_info >= needed:
        return ""
    return f"{name} asks for Python {needed[0]}.{needed[1]}"


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
    alone = WITHOUT_DEPENDENCIES.get(name, [])
    wanted = "\n".join([sys.version, *REQUIREMENTS[name], *alone]) + "\n"
    if stamp.exists() and stamp.read_text() == wanted and python.exists():
        return python
    shutil.rmtree(folder, ignore_errors=True)
    venv.create(folder, with_pip=False, symlinks=True)
    _install(python, *REQUIREMENTS[name])
    if alone:
        _install(python, "--no-deps", *alone)
    stamp.write_text(wanted)
    return python


def _install(python: Path, *arguments: str) -> None:
    subprocess.run(
        [
            *(sys.executable, "-m", "pip", "--python", str(python), "install"),
            *("--quiet", "--disable-pip-version-check", "--only-binary", ":all:"),
            *("--no-compile", *arguments),
        ],
        check=True,
    )


def main(names: list[str]) -> None:
    """Make the environments, two at a time, and print their interpreters."""
    wanted = [name for name in names or REQUIREMENTS if not unavailable(name)]
    with ThreadPoolExecutor(2) as pool:
        for name, python in zip(wanted, pool.map(peer_python, wanted), strict=True):
            print(name, python, flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
