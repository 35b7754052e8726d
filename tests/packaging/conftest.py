"""The distributions of this tree: two projects, each as its users build it."""

import os
import shutil
import subprocess
import sys
import tarfile
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
# Where each project is in a checkout.
PROJECTS = {"pcaspy": ".", "aioca": "client"}
# What is in a wheel and that it runs is asked here, not how fast it is.
BUILD_ENVIRONMENT = {**os.environ, "PCASPY_OPTIMIZE": "-O0"}


def said(*command, **options):
    """The output of a command, which must end well."""
    done = subprocess.run(
        [str(word) for word in command],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        **options,
    )
    assert done.returncode == 0, done.stdout[-8000:]
    return done.stdout


@dataclass
class Built:
    """A distribution, and what was printed while it was made."""

    path: Path
    log: str


def build(kind, source, folder):
    """One distribution of `source`, in this environment's build requirements."""
    command = [sys.executable, "-m", "build", "--no-isolation", f"--{kind}"]
    log = said(*command, "--outdir", folder, source, env=BUILD_ENVIRONMENT)
    (made,) = folder.iterdir()
    return Built(made, log)


@pytest.fixture(scope="session")
def checkout(tmp_path_factory):
    """A copy of the files that are tracked or new, as in a clone."""
    folder = tmp_path_factory.mktemp("checkout")
    listed = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    for name in subprocess.check_output(listed, cwd=ROOT, text=True).split("\0"):
        if name and (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(ROOT / name, folder / name)
    return folder


@pytest.fixture(scope="session")
def sdists(checkout, tmp_path_factory):
    """The files NAME-VERSION.tar.gz, by the name of the distribution."""
    return {
        name: build("sdist", checkout / folder, tmp_path_factory.mktemp("sdist"))
        for name, folder in PROJECTS.items()
    }


@pytest.fixture(scope="session")
def wheels(sdists, tmp_path_factory):
    """The wheels, each compiled from its unpacked source distribution."""
    made = {}
    for name, sdist in sdists.items():
        folder = tmp_path_factory.mktemp("unpacked")
        with tarfile.open(sdist.path) as archive:
            archive.extractall(folder, filter="data")
        (source,) = folder.iterdir()
        made[name] = build("wheel", source, tmp_path_factory.mktemp("wheel"))
    return made
