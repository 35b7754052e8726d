"""The distributions of this tree: two projects, each as its users build it."""

import shutil
import subprocess
import tarfile

import pytest
from builds import PROJECTS, ROOT, build


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
