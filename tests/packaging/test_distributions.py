"""The source distribution and the wheel: contents, and use in an empty environment.

One file, so that one process builds the wheel for all of its tests.
"""

import subprocess
import sys
import tarfile
import zipfile
from email.parser import HeaderParser
from pathlib import Path

import pytest

from support.environment import server_environment
from support.ports import free_port

try:
    import tomllib
except ModuleNotFoundError:  # Python 3.10
    import tomli as tomllib

pytestmark = pytest.mark.timeout(900)

ROOT = Path(__file__).parents[2]
SMOKE = Path(__file__).parent / "smoke.py"
SOURCES = {".py", ".pyx", ".pxd", ".pyi", ".hpp", ".cpp", ".typed"}
PACKAGES = ("pcaspy", "aioca")
# What their modules share.
LIBRARIES = {"aioca/native/libaioca_client", "pcaspy/native/libpcas"}


def generated(path):
    """C++ that Cython makes from the .pyx beside it."""
    return path.suffix == ".cpp" and path.with_suffix(".pyx").exists()


def tree(*folders):
    """The source files below these folders, relative to the project."""
    files = (path for name in folders for path in (ROOT / name).rglob("*"))
    return {
        path.relative_to(ROOT).as_posix()
        for path in files
        if path.suffix in SOURCES or path.name == "py.typed"
        if not generated(path) and "egg-info" not in str(path)
    }


def test_sdist_has_every_source(sdist):
    with tarfile.open(sdist) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    assert tree("ext", "src", "examples", "tests") <= names
    assert {"LICENSE", "README.md", "CHANGELOG.md", "Makefile"} <= names
    assert {"pyproject.toml", "setup.py"} <= names


def test_sdist_has_nothing_that_was_built(sdist):
    with tarfile.open(sdist) as archive:
        names = [Path(name.partition("/")[2]) for name in archive.getnames()]
    assert not [name for name in names if generated(ROOT / name)]
    assert not [name for name in names if name.suffix in {".so", ".o", ".pyc", ".pyd"}]


def wheel_names(wheel):
    with zipfile.ZipFile(wheel) as archive:
        return {Path(name) for name in archive.namelist()}


def test_wheel_has_the_packages_and_their_types(wheel):
    names = {name.as_posix() for name in wheel_names(wheel)}
    for package in PACKAGES:
        folder = ROOT / "src" / package
        wanted = [*folder.rglob("*.py"), *folder.rglob("*.pyi"), folder / "py.typed"]
        assert {path.relative_to(ROOT / "src").as_posix() for path in wanted} <= names


def test_wheel_has_each_extension_module(wheel):
    built = [name for name in wheel_names(wheel) if name.suffix == ".so"]
    modules = {f"{name.parent}/{name.name.partition('.')[0]}" for name in built}
    sources = (ROOT / "src").rglob("*.pyx")
    expected = {p.relative_to(ROOT / "src").with_suffix("").as_posix() for p in sources}
    assert modules == expected | LIBRARIES
    # The loader knows a library by one name: there is no second file of it.
    assert len(built) == len(modules)


def test_wheel_has_nothing_else(wheel):
    names = wheel_names(wheel)
    tops = {name.parts[0] for name in names}
    assert tops - set(PACKAGES) == {top for top in tops if top.endswith(".dist-info")}
    suffixes = {name.suffix for name in names if name.parts[0] in PACKAGES}
    assert suffixes <= {".py", ".pyi", ".so", ".typed", ".hpp"}


def test_wheel_has_the_headers_of_the_engine(wheel):
    names = {name.as_posix() for name in wheel_names(wheel)}
    found = {name for name in names if name.endswith(".hpp")}
    ours = {path.relative_to(ROOT / "ext") for path in (ROOT / "ext").glob("*/*.hpp")}
    ours = {path for path in ours if path.parts[0] != "client"}
    assert found == {f"pcaspy/include/{path.as_posix()}" for path in ours}


def test_wheel_metadata(wheel):
    with zipfile.ZipFile(wheel) as archive:
        (name,) = [n for n in archive.namelist() if n.endswith("/METADATA")]
        metadata = HeaderParser().parsestr(archive.read(name).decode())
        licences = [n for n in archive.namelist() if n.endswith("licenses/LICENSE")]
    assert licences
    assert metadata["License-Expression"] == "BSD-3-Clause"
    assert metadata["Requires-Python"] == ">=3.10"
    requirements = metadata.get_all("Requires-Dist")
    assert any(line.startswith("epicscorelibs") for line in requirements)
    assert any(line.startswith("numpy") for line in requirements)
    assert len([line for line in requirements if "extra ==" not in line]) == 2
    assert [line for line in requirements if "extra ==" in line] == [
        'PyYAML>=6; extra == "yaml"'
    ]


def test_build_group_is_the_build_requirements():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    wanted = project["build-system"]["requires"]
    assert project["dependency-groups"]["build"] == wanted


@pytest.fixture(scope="module")
def installed(wheel, tmp_path_factory):
    """An environment with the wheel and what it requires, and nothing else."""
    folder = tmp_path_factory.mktemp("empty") / "venv"
    subprocess.run([sys.executable, "-m", "venv", folder], check=True)
    python = folder / "bin" / "python"
    install = [python, "-m", "pip", "install", "--quiet", wheel]
    subprocess.run(install, check=True)
    return folder / "bin"


def environment(tmp_path):
    env = server_environment(free_port(), HOME=str(tmp_path))
    env["EPICS_CA_SERVER_PORT"] = env["EPICS_CAS_SERVER_PORT"]
    env["EPICS_CA_REPEATER_PORT"] = str(free_port())
    return {key: env[key] for key in env if not key.startswith("PYTHON")}


def test_serves(installed, tmp_path):
    done = subprocess.run(
        [installed / "python", "-W", "error", SMOKE],
        env=environment(tmp_path),
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert (done.stdout, done.stderr, done.returncode) == ("2.5 mm\n", "", 0)


def test_command_line(installed, tmp_path):
    done = subprocess.run(
        [installed / "aioca", "--version"],
        env=environment(tmp_path),
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0
    assert done.stdout.strip()


def test_requirements_agree(installed):
    subprocess.run([installed / "python", "-m", "pip", "check"], check=True)
