"""Every test has a runtime folder of its own, and so has the server that they share."""

import contextlib
import shutil
import tempfile
from pathlib import Path

import pytest
from control_support import Served


@contextlib.contextmanager
def runtime_folder():
    """A short path, as sockets need one."""
    folder = Path(tempfile.mkdtemp(prefix="pc"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_RUNTIME_DIR", str(folder))
        patch.delenv("PCASPY_CONTROL", raising=False)
        yield folder
    shutil.rmtree(folder)


@pytest.fixture(autouse=True)
def runtime():
    with runtime_folder() as folder:
        yield folder


@pytest.fixture
def served(runtime):
    with Served() as running:
        yield running


@pytest.fixture(scope="module")
def shared():
    """For tests that leave it as it was. Others do not find it, but by its path."""
    with contextlib.ExitStack() as ends:
        with runtime_folder():
            running = ends.enter_context(Served())
            kept = ends.enter_context(_kept(running.path))
        running.path = kept
        yield running


@contextlib.contextmanager
def _kept(path):
    """The socket by another name, which its folder does not take with it."""
    folder = Path(tempfile.mkdtemp(prefix="pc"))
    path.rename(folder / "shared.sock")
    yield folder / "shared.sock"
    shutil.rmtree(folder)
