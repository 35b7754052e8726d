"""The source distributions and the wheels: contents, and use in empty environments.

One file, so that one process builds the wheels for all of its tests.
"""

import re
import shutil
import subprocess
import sys
import tarfile
import zipfile
from email.parser import HeaderParser
from pathlib import Path

import pytest
from builds import BUILD_ENVIRONMENT, PROJECTS, ROOT, said
from container import Image

from support.environment import server_environment
from support.epics_client import EpicsClient
from support.peers import REQUIREMENTS, unavailable
from support.ports import free_port

try:
    import tomllib
except ModuleNotFoundError:  # Python 3.10
    import tomli as tomllib

pytestmark = pytest.mark.timeout(900)

SMOKE = Path(__file__).parent / "smoke.py"
SOURCES = {".py", ".pyx", ".pxd", ".pyi", ".hpp", ".cpp", ".typed"}
# What the modules of a package share.
LIBRARIES = {
    "pcaspy": {"pcaspy/native/libpcas"},
    "aioca": {"aioca/native/libaioca_client"},
}
NO_OPHYD_ASYNC = unavailable("ophyd-async")
# What the extras of the server bring.
OF_EXTRAS = {"prometheus_client", "psutil", "pvxslibs", "PyYAML", "textual"}
of_each = pytest.mark.parametrize("name", PROJECTS)


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


def names_in(sdist):
    """The files of a source distribution, without the folder they are all in."""
    with tarfile.open(sdist.path) as archive:
        files = [member.name for member in archive if member.isfile()]
    return {name.partition("/")[2] for name in files}


def wheel_names(wheel):
    with zipfile.ZipFile(wheel.path) as archive:
        return {Path(name) for name in archive.namelist()}


def project(name):
    """What a project says of itself in pyproject.toml."""
    return tomllib.loads((ROOT / PROJECTS[name] / "pyproject.toml").read_text())


# ---- source distributions ----


def test_sdist_of_the_server_has_every_source(sdists):
    names = names_in(sdists["pcaspy"])
    wanted = tree("ext", "src/pcaspy", "examples", "tests")
    wanted -= tree("ext/client", "tests/client", "tests/whole/packaging")
    assert wanted <= names
    assert {"LICENSE", "README.md", "CHANGELOG.md", "tools/building.py"} <= names
    assert {"pyproject.toml", "setup.py"} <= names


def test_sdist_of_the_server_has_nothing_of_the_client(sdists):
    names = names_in(sdists["pcaspy"])
    of_the_client = ("src/aioca/", "ext/client/", "client/", "tests/client/")
    assert not [name for name in names if name.startswith(of_the_client)]


def test_sdist_of_the_client_has_its_sources_and_nothing_else(sdists):
    names = names_in(sdists["aioca"])
    headers = {name for name in names if name.startswith("ext/base/")}
    assert headers <= {name for name in tree("ext/base") if name.endswith(".hpp")}
    made = {name for name in names if "egg-info/" in name}
    others = {"pyproject.toml", "setup.py", "setup.cfg", "MANIFEST.in", "PKG-INFO"}
    others |= {"LICENSE", "README.md", "tools/building.py"}
    assert names - headers - made == tree("src/aioca", "ext/client") | others


@of_each
def test_sdist_builds_with_setuptools_alone(sdists, name):
    with tarfile.open(sdists[name].path) as archive:
        top = archive.getnames()[0].partition("/")[0]
        text = archive.extractfile(f"{top}/pyproject.toml").read().decode()
    built = tomllib.loads(text)["build-system"]
    assert built["build-backend"] == "setuptools.build_meta"
    assert "backend-path" not in built


@of_each
def test_sdist_has_nothing_that_was_built(sdists, name):
    names = [Path(name) for name in names_in(sdists[name])]
    assert not [name for name in names if generated(ROOT / name)]
    assert not [name for name in names if name.suffix in {".so", ".o", ".pyc", ".pyd"}]


# ---- wheels ----


@of_each
def test_wheel_has_the_package_and_its_types(wheels, name):
    names = {path.as_posix() for path in wheel_names(wheels[name])}
    folder = ROOT / "src" / name
    wanted = [*folder.rglob("*.py"), *folder.rglob("*.pyi"), folder / "py.typed"]
    assert {path.relative_to(ROOT / "src").as_posix() for path in wanted} <= names


@of_each
def test_wheel_has_each_extension_module(wheels, name):
    built = [path for path in wheel_names(wheels[name]) if path.suffix == ".so"]
    modules = {f"{path.parent}/{path.name.partition('.')[0]}" for path in built}
    sources = (ROOT / "src" / name).rglob("*.pyx")
    expected = {p.relative_to(ROOT / "src").with_suffix("").as_posix() for p in sources}
    assert modules == expected | LIBRARIES[name]
    # The loader knows a library by one name: there is no second file of it.
    assert len(built) == len(modules)


@of_each
def test_wheel_has_nothing_else(wheels, name):
    names = wheel_names(wheels[name])
    tops = {path.parts[0] for path in names}
    assert tops - {name} == {top for top in tops if top.endswith(".dist-info")}
    assert len(tops) == 2
    suffixes = {path.suffix for path in names if path.parts[0] == name}
    headers = {".hpp"} if name == "pcaspy" else set()
    assert suffixes <= {".py", ".pyi", ".so", ".typed"} | headers


def test_wheel_has_the_headers_of_the_engine(wheels):
    names = {path.as_posix() for path in wheel_names(wheels["pcaspy"])}
    found = {name for name in names if name.endswith(".hpp")}
    ours = {path.relative_to(ROOT / "ext") for path in (ROOT / "ext").glob("*/*.hpp")}
    ours = {path for path in ours if path.parts[0] not in ("client", "pva")}
    assert found == {f"pcaspy/include/{path.as_posix()}" for path in ours}


def test_no_file_is_in_both_wheels(wheels):
    assert not wheel_names(wheels["pcaspy"]) & wheel_names(wheels["aioca"])


def sections(library):
    """The names of an ELF file's sections."""
    text = said("readelf", "--wide", "--section-headers", library)
    return set(re.findall(r"^ +\[ *\d+\] (\.\S+)", text, re.MULTILINE))


@of_each
def test_wheel_is_stripped(wheels, name, tmp_path):
    with zipfile.ZipFile(wheels[name].path) as archive:
        archive.extractall(tmp_path)
    libraries = list(tmp_path.rglob("*.so"))
    assert libraries
    for library in libraries:
        found = sections(library)
        assert ".dynsym" in found
        assert ".symtab" not in found, library.name
        assert not [section for section in found if "debug" in section], library.name


@of_each
def test_what_is_built_in_place_can_be_debugged(name):
    libraries = list((ROOT / "src" / name).rglob("*.so"))
    assert libraries
    for library in libraries:
        assert {".symtab", ".debug_info"} <= sections(library), library.name


@of_each
def test_building_says_what_it_compiles(wheels, name):
    compiled = set(re.findall(r"compiled (\S+) in [\d.]+ s", wheels[name].log))
    sources = tree("ext", "src")
    expected = {path for path in sources if path.endswith(".cpp")}
    expected |= {f"{path[:-4]}.cpp" for path in sources if path.endswith(".pyx")}
    of_client = {p for p in expected if p.startswith(("ext/client/", "src/aioca/"))}
    assert compiled == (of_client if name == "aioca" else expected - of_client)


@of_each
def test_wheel_metadata(wheels, name):
    with zipfile.ZipFile(wheels[name].path) as archive:
        (path,) = [n for n in archive.namelist() if n.endswith("/METADATA")]
        metadata = HeaderParser().parsestr(archive.read(path).decode())
        licences = [n for n in archive.namelist() if n.endswith("licenses/LICENSE")]
    assert licences
    assert metadata["Name"] == name
    assert metadata["License-Expression"] == "BSD-3-Clause"
    assert metadata["Requires-Python"] == ">=3.10"
    assert "Programming Language :: Python :: 3.14" in metadata.get_all("Classifier")
    assert metadata.get_payload().strip()  # the README
    requirements = metadata.get_all("Requires-Dist")
    required = [line for line in requirements if "extra ==" not in line]
    assert sorted(re.match(r"\w+", line)[0] for line in required) == [
        "epicscorelibs",
        "numpy",
    ]
    extras = {re.split(r"[^\w]", line)[0] for line in requirements if "extra" in line}
    assert extras == (OF_EXTRAS if name == "pcaspy" else set())


def test_both_projects_are_built_with_the_same():
    wanted = project("pcaspy")["build-system"]["requires"]
    client = project("aioca")["build-system"]["requires"]
    assert client == [what for what in wanted if "pvxslibs" not in what]
    assert project("pcaspy")["dependency-groups"]["build"] == wanted


@of_each
def test_wheels_are_built_for_each_python_that_is_named(name):
    line = project("pcaspy")["tool"]["cibuildwheel"]["build"]
    built = {f"3.{minor}" for minor in re.findall(r"cp3(\d+)-", line)}
    classifiers = project(name)["project"]["classifiers"]
    named = {c.rpartition(" ")[2] for c in classifiers if ":: Python :: 3." in c}
    assert named == built


# ---- in a checkout ----


def test_client_from_a_checkout_compiles_no_server(checkout, wheels, tmp_path):
    """In a clone that has lost what is the server's, with pip's isolation."""
    copy = tmp_path / "checkout"
    needed = ["client", "LICENSE", "tools/building.py", "src/aioca", "ext/client"]
    for path in [*needed, *(p for p in tree("ext/base") if p.endswith(".hpp"))]:
        (copy / path).parent.mkdir(parents=True, exist_ok=True)
        said("cp", "-r", checkout / path, copy / path)
    before = set(copy.rglob("*"))
    pip = [sys.executable, "-m", "pip", "wheel", "-v", "--no-deps"]
    log = said(*pip, "-w", tmp_path, copy / "client", env=BUILD_ENVIRONMENT)
    assert set(copy.rglob("*")) == before
    assert "compiled ext/client/queue.cpp in" in log
    (wheel,) = tmp_path.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        names = {Path(name) for name in archive.namelist()}
    assert names == wheel_names(wheels["aioca"])


# ---- in empty environments ----


class Environment:
    """A virtual environment, and pip for it."""

    def __init__(self, folder):
        create = [sys.executable, "-m", "venv", "--without-pip", folder]
        subprocess.run(create, check=True)
        self.folder = folder
        self.python = folder / "bin" / "python"

    def pip(self, *arguments):
        pip = [sys.executable, "-m", "pip", "--python", self.python]
        return said(*pip, *arguments)

    def install(self, *what):
        self.pip("install", "--quiet", "--only-binary", ":all:", *what)

    def files(self):
        """All that is there, but what Python compiles by itself."""
        found = self.folder.rglob("*")
        return {path for path in found if "__pycache__" not in path.parts}

    def run(self, *arguments, home, program=None):
        """What a program writes, on ports of its own; nothing on standard error."""
        env = server_environment(free_port(), HOME=str(home))
        env["EPICS_CA_SERVER_PORT"] = env["EPICS_CAS_SERVER_PORT"]
        env["EPICS_CA_REPEATER_PORT"] = str(free_port())
        done = subprocess.run(
            [program or self.python, *arguments],
            env={key: env[key] for key in env if not key.startswith("PYTHON")},
            cwd=home,
            capture_output=True,
            text=True,
            timeout=120,
        )
        assert (done.stderr, done.returncode) == ("", 0)
        return done.stdout

    def version(self, name, home):
        """Of a distribution, as a program learns it."""
        code = f"from importlib.metadata import version; print(version('{name}'))"
        return self.run("-c", code, home=home).strip()


VERSION = re.compile(r"3\.\d+\.\d+")


@pytest.fixture(scope="module")
def installed(wheels, tmp_path_factory):
    """An environment with both wheels and what they require, and nothing else."""
    environment = Environment(tmp_path_factory.mktemp("both") / "venv")
    environment.install(*(wheels[name].path for name in PROJECTS))
    return environment


def test_serves(installed, tmp_path):
    seen = installed.run("-W", "error", SMOKE, home=tmp_path)
    assert seen == "2.5 mm\n"


def test_pvaccess_asks_for_its_extra(installed, tmp_path):
    code = (
        "import sys, pcaspy\n"
        "assert 'pcaspy.native._pva' not in sys.modules\n"
        "try:\n"
        "    pcaspy.SimpleServer(pva=True)\n"
        "except ImportError as error:\n"
        "    print(error)\n"
    )
    assert "pip install 'pcaspy[pva]'" in installed.run("-c", code, home=tmp_path)


def test_serves_pvaccess(wheels, tmp_path):
    environment = Environment(tmp_path / "venv")
    environment.install(f"{wheels['pcaspy'].path}[pva]", "p4p==4.3.0")
    environment.pip("check")
    seen = environment.run(Path(__file__).parent / "smoke_pva.py", home=tmp_path)
    assert seen == "2.5 mm\n"


@of_each
def test_command_line(installed, name, tmp_path):
    program = installed.folder / "bin" / name
    seen = installed.run("--version", home=tmp_path, program=program)
    assert VERSION.fullmatch(installed.version(name, tmp_path))
    assert installed.version(name, tmp_path) in seen
    assert installed.run("-m", name, "--version", home=tmp_path) == seen


def test_requirements_agree(installed):
    installed.pip("check")


def test_pip_lists_both(installed):
    listed = installed.pip("list", "--format", "freeze")
    assert {line.partition("==")[0] for line in listed.splitlines()} == {
        *PROJECTS,
        "epicscorelibs",
        "numpy",
        "setuptools",
        "setuptools_dso",
    }


@pytest.mark.parametrize(("name", "other"), [("pcaspy", "aioca"), ("aioca", "pcaspy")])
def test_each_is_whole_without_the_other(wheels, tmp_path, name, other):
    environment = Environment(tmp_path / "venv")
    environment.install("numpy", "epicscorelibs")
    before = environment.files()
    environment.install(wheels[name].path)
    environment.pip("check")
    libraries = {path.replace("/", ".") for path in LIBRARIES[name]}
    libraries.add("pcaspy.native._pva")  # that is for those with the extra
    folder = ROOT / "src" / "pcaspy" / "top"  # and so is this
    libraries |= {f"pcaspy.top.{path.stem}" for path in folder.glob("[!_]*.py")}
    walk = (  # a library looks like a module to pkgutil
        f"import importlib, importlib.util, pkgutil, {name}\n"
        f"for found in pkgutil.walk_packages({name}.__path__, '{name}.'):\n"
        f"    if found.name not in {libraries | {f'{name}.__main__'}}:\n"
        "        importlib.import_module(found.name)\n"
        f"print(importlib.util.find_spec('{other}'))\n"
    )
    assert environment.run("-c", walk, home=tmp_path) == "None\n"
    environment.pip("uninstall", "--quiet", "--yes", name)
    assert environment.files() == before


@pytest.mark.skipif(bool(NO_OPHYD_ASYNC), reason=NO_OPHYD_ASYNC)
def test_ophyd_async_keeps_the_client(wheels, tmp_path):
    """Whichever is installed first: it asks for aioca, and pip knows that one."""
    (ophyd_async,) = [r for r in REQUIREMENTS["ophyd-async"] if "ophyd" in r]
    environment = Environment(tmp_path / "venv")
    environment.install(ophyd_async)
    assert environment.version("aioca", tmp_path).startswith("2.")
    environment.install(wheels["aioca"].path)
    ours = whole_client(environment, wheels, tmp_path)

    environment.pip("uninstall", "--quiet", "--yes", "aioca", "ophyd-async")
    environment.install(wheels["aioca"].path)
    environment.install(ophyd_async)
    assert whole_client(environment, wheels, tmp_path) == ours


def whole_client(environment, wheels, home):
    """The version of the client, of which all files are those of the wheel."""
    environment.pip("check")
    (package,) = environment.folder.glob("lib/python*/site-packages/aioca")
    there = {p for p in environment.files() if package in p.parents and p.is_file()}
    names = wheel_names(wheels["aioca"])
    assert {path.relative_to(package.parent) for path in there} == {
        path for path in names if path.parts[0] == "aioca"
    }
    program = "import ophyd_async.epics.core, aioca.native; print(aioca.__version__)"
    version = environment.run("-c", program, home=home).strip()
    assert environment.version("aioca", home) == version
    return version


# ---- as the how-to of services builds a container ----


def block_of(page, name):
    """The file of that name in a page of the documentation."""
    text = (ROOT / "docs" / page).read_text()
    (found,) = re.findall(
        rf"^```{{code-block}} \w+\n:caption: {name}\n\n(.*?)^```", text, re.M | re.S
    )
    return found


def test_the_container_serves(wheels, tmp_path):
    version = f"cp{sys.version_info.major}{sys.version_info.minor}"
    context = tmp_path / "context"
    (context / "dist").mkdir(parents=True)
    shutil.copy(wheels["pcaspy"].path, context / "dist")
    (context / "axis.yaml").write_text(block_of("how-to/service.md", "axis.yaml"))
    text = block_of("how-to/service.md", "Dockerfile").replace("cp313", version)
    environment = Environment(tmp_path / "venv")
    image = Image(text, context, tmp_path / "image", environment)
    assert image.base.startswith("python:3")
    assert image.user == "nobody"
    assert image.ports == ["5064/udp", "5064/tcp"]
    port = free_port()
    server = subprocess.Popen(
        image.command,
        cwd=tmp_path / "image",
        env={
            "PATH": image.variables["PATH"],
            "EPICS_CAS_INTF_ADDR_LIST": "127.0.0.1",
            "EPICS_CAS_SERVER_PORT": str(port),
            "EPICS_CAS_AUTO_BEACON_ADDR_LIST": "NO",
        },
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert f"serving 1 PVs, searches on UDP port {port}" in server.stdout.readline()
        with EpicsClient(port) as client:
            assert client.get("AXIS1:POSITION")["units"] == "mm"
        server.terminate()
        assert server.wait(30) == 0
    finally:
        server.kill()
        server.communicate()
