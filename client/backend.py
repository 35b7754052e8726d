"""Build backend of the client's project in a checkout (PEP 517, PEP 660).

The client's sources are in `src` and `ext`, beside the server's. What belongs to the
client is gathered in a temporary folder, and setuptools builds there. That folder is
what its source distribution has, which needs neither the checkout nor this file.
An editable installation is of the checkout's own sources.
"""

import contextlib
import os
import re
import shutil
import tempfile
from pathlib import Path

from setuptools import build_meta

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
INCLUDE = re.compile(r'^\s*#\s*include\s*"([^"]+)"', re.MULTILINE)

# In the checkout itself.
build_editable = build_meta.build_editable
prepare_metadata_for_build_editable = build_meta.prepare_metadata_for_build_editable


def build_wheel(wheel_directory, config_settings=None, metadata_directory=None):
    """The wheel; its metadata are made once more."""
    target = os.path.abspath(wheel_directory)
    with gathered():
        return build_meta.build_wheel(target, config_settings)


def build_sdist(sdist_directory, config_settings=None):
    """The source distribution."""
    target = os.path.abspath(sdist_directory)
    with gathered():
        return build_meta.build_sdist(target, config_settings)


def prepare_metadata_for_build_wheel(metadata_directory, config_settings=None):
    """What the wheel will say of itself, without compiling it."""
    target = os.path.abspath(metadata_directory)
    with gathered():
        return build_meta.prepare_metadata_for_build_wheel(target, config_settings)


@contextlib.contextmanager
def gathered():
    """The client's files in a temporary folder, which is the current one meanwhile."""
    before = os.getcwd()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name).resolve()
        for path in files():
            target = folder / path.relative_to(HERE if HERE in path.parents else ROOT)
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, target)
        standalone(folder / "pyproject.toml")
        os.chdir(folder)
        try:
            yield
        finally:
            os.chdir(before)


def files():
    """Everything that the client is built from."""
    yield from (HERE / name for name in ("pyproject.toml", "setup.py", "README.md"))
    yield HERE / "MANIFEST.in"
    yield ROOT / "LICENSE"
    yield ROOT / "tools" / "building.py"
    for path in (ROOT / "src" / "aioca").rglob("*"):
        if path.suffix in {".py", ".pyx", ".pxd", ".pyi"} or path.name == "py.typed":
            yield path
    yield from included(sorted((ROOT / "ext" / "client").iterdir()))


def included(sources):
    """These C++ files, and the headers of `ext` that they include."""
    found = list(sources)
    for path in found:
        for name in INCLUDE.findall(path.read_text("utf-8")):
            header = ROOT / "ext" / name
            if header not in found:
                found.append(header)
    return found


def standalone(pyproject):
    """Lets setuptools itself be the build backend."""
    text = pyproject.read_text("utf-8")
    ours = 'build-backend = "backend"\nbackend-path = ["."]\n'
    assert ours in text
    plain = text.replace(ours, 'build-backend = "setuptools.build_meta"\n')
    pyproject.write_text(plain, "utf-8")
