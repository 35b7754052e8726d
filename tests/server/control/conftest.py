"""Every file of tests has a runtime folder of its own."""

import shutil
import tempfile
from pathlib import Path

import pytest
from control_support import Served


@pytest.fixture(scope="module", autouse=True)
def runtime():
    """The runtime folder; a short path, as sockets need one."""
    folder = Path(tempfile.mkdtemp(prefix="pc"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_RUNTIME_DIR", str(folder))
        patch.delenv("PCASPY_CONTROL", raising=False)
        yield folder
    shutil.rmtree(folder)


@pytest.fixture
def served():
    with Served() as running:
        yield running


@pytest.fixture(scope="module")
def shared(runtime):
    """For tests that leave it as it was."""
    with Served() as running:
        yield running
