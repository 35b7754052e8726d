"""The source distribution of this tree, and the wheel built from its contents."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def build(kind, source, folder):
    """One distribution of `source`, in this environment's build requirements."""
    command = [sys.executable, "-m", "build", "--no-isolation", f"--{kind}"]
    done = subprocess.run(
        [*command, "--outdir", folder, source],
        # What is in it and that it runs is asked here, not how fast it is.
        env={**os.environ, "PCASPY_OPTIMIZE": "-O0"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert done.returncode == 0, done.stdout[-8000:]
    (made,) = folder.iterdir()
    return made


@pytest.fixture(scope="session")
def sdist(tmp_path_factory):
    """The file pcaspy-VERSION.tar.gz."""
    return build("sdist", ROOT, tmp_path_factory.mktemp("sdist"))


@pytest.fixture(scope="session")
def wheel(sdist, tmp_path_factory):
    """The wheel, compiled from the unpacked source distribution."""
    folder = tmp_path_factory.mktemp("unpacked")
    subprocess.run(["tar", "xzf", sdist, "-C", folder], check=True)
    (source,) = folder.iterdir()
    return build("wheel", source, tmp_path_factory.mktemp("wheel"))
