"""An include or an import points to the left; tests/support/layers.py has the tables.

The test is tested: in copies of the tree, each with one thing wrong.
"""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from support import layers

ROOT = Path(__file__).parents[2]


def test_nothing_points_to_the_right_or_in_a_circle():
    assert layers.faults(ROOT) == []


def test_another_protocol_needs_nothing_of_the_server():
    """The server of lines in the C++ tests uses what any protocol may use."""
    allowed = layers.CPP["pva"] | {"pv", "net"}
    for path in sorted((ROOT / "tests" / "engine" / "cpp").glob("line_*")):
        for quote, included in layers.INCLUDE.findall(path.read_text()):
            if quote == '"' and (ROOT / "ext" / included).is_file():
                assert included.partition("/")[0] in allowed, path.name


def test_it_looks_at_what_there_is():
    """Some edges that are known: read by each of the ways there are."""
    modules = {
        layers.dotted(path.relative_to(ROOT / "src")): layers.Module()
        for path in layers.sources(ROOT / "src", {".py", ".pyx", ".pxd"})
    }
    for path in layers.sources(ROOT / "src", {".py", ".pyx", ".pxd"}):
        name = layers.dotted(path.relative_to(ROOT / "src"))
        layers.read_imports(path, name, modules)
    data = modules["pcaspy.native._data"].runs
    assert {"pcaspy.alarm", "pcaspy.native._cpp.pv", "pcaspy.native._value"} <= data
    assert "pcaspy.native._access" in modules["pcaspy.host.access"].runs
    assert "pcaspy.served.registry" in modules["pcaspy.served.tables"].typing
    assert {"pcaspy.cas", "pcaspy._libcom"} <= modules["pcaspy"].runs
    assert "pcaspy" in modules["pcaspy.__main__"].runs


@pytest.fixture
def tree(tmp_path):
    """A copy of the sources."""
    for name in ("ext", "src"):
        ignored = shutil.ignore_patterns("*.so", "_*.cpp", "__pycache__", "*.egg-info")
        shutil.copytree(ROOT / name, tmp_path / name, ignore=ignored)
    return tmp_path


# Where, what is written there, and what is said of it.
WRONG_IN_PYTHON = {
    "an import to the right": (
        "pcaspy/host/summary.py",
        "from ..lowlevel import gdd",
        "pcaspy.host.summary imports pcaspy.lowlevel.gdd, which is to the right",
    ),
    "by its full name": (
        "pcaspy/lowlevel/gdd.py",
        "import pcaspy.served.pv",
        "pcaspy.lowlevel.gdd imports pcaspy.served.pv, which is to the right",
    ),
    "of the package itself": (
        "pcaspy/served/pv.py",
        "from .. import Driver",
        "pcaspy.served.pv imports pcaspy, which is to the right",
    ),
    "in a function": (
        "pcaspy/lowlevel/server.py",
        "def late():\n    from ..server import SimpleServer\n    return SimpleServer",
        "pcaspy.lowlevel.server imports pcaspy.server, which is to the right",
    ),
    "in a function, by text": (
        "pcaspy/lowlevel/server.py",
        "def late():\n    import importlib\n"
        '    return importlib.import_module("pcaspy.server")',
        "pcaspy.lowlevel.server imports pcaspy.server, which is to the right",
    ),
    "for type checkers": (
        "pcaspy/host/access.py",
        "import typing\nif typing.TYPE_CHECKING:\n    from ..cas import gdd",
        "pcaspy.host.access imports pcaspy.cas, which is to the right",
    ),
    "in Cython": (
        "pcaspy/native/_server.pyx",
        "def late():\n    from pcaspy.host import (\n        access,\n    )",
        "pcaspy.native._server imports pcaspy.host.access, which is to the right",
    ),
    "a circle in a layer": (
        "pcaspy/host/access.py",
        "def late():\n    from . import lifetime\n    return lifetime",
        "a circle: pcaspy.host.access -> pcaspy.host.lifetime -> pcaspy.host.access",
    ),
    "a circle of declarations": (
        "pcaspy/native/_handle.pxd",
        "from pcaspy.native._server cimport Server",
        "a circle: pcaspy.native._server -> pcaspy.native._data -> "
        "pcaspy.native._handle -> pcaspy.native._server",
    ),
    "the other package": (
        "aioca/channel.py",
        "from pcaspy import cas",
        "aioca.channel imports pcaspy.cas, of the other package",
    ),
    "a file in no layer": ("pcaspy/misc.py", "", "pcaspy.misc is in no layer"),
    "a folder of Python": (
        "pcaspy/helpers/misc.py",
        "",
        "src/pcaspy/helpers is no folder that the tables know",
    ),
}
WRONG_IN_CPP = {
    "to the right": ("ext/dbr/types.hpp", '"pv/pv.hpp"', "includes pv/pv.hpp"),
    "beside": ("ext/proto/header.hpp", '"dbr/types.hpp"', "includes dbr/types.hpp"),
    "the client": ("ext/server/loop.hpp", '"client/queue.hpp"', "client/queue.hpp"),
    "no file": ("ext/base/log.hpp", '"base/none.hpp"', "which is no file of ext"),
    "a clock": ("ext/dbr/types.hpp", "<chrono>", "includes chrono"),
    "Python": ("ext/pv/pv.cpp", "<Python.h>", "includes Python.h"),
    "asLib": ("ext/server/loop.cpp", "<asLib.h>", "includes asLib.h"),
    "a circle": (
        "ext/dbr/types.hpp",
        '"dbr/snapshot.hpp"',
        "a circle: dbr/",
    ),
    "a binding": (
        "src/pcaspy/native/text.hpp",
        '"client/queue.hpp"',
        "client/queue.hpp",
    ),
    "a folder": ("ext/misc/misc.hpp", "<vector>", "ext/misc is no folder"),
}


@pytest.mark.parametrize("case", WRONG_IN_PYTHON)
def test_a_wrong_import_is_found(tree, case):
    name, text, said = WRONG_IN_PYTHON[case]
    path = tree / "src" / name
    path.parent.mkdir(exist_ok=True)
    with path.open("a") as file:
        file.write(f"\n{text}\n")
    assert said in layers.faults(tree)


@pytest.mark.parametrize("case", WRONG_IN_CPP)
def test_a_wrong_include_is_found(tree, case):
    name, included, said = WRONG_IN_CPP[case]
    path = tree / name
    path.parent.mkdir(exist_ok=True)
    with path.open("a") as file:
        file.write(f"\n#include {included}\n")
    assert any(said in line for line in layers.faults(tree))


def test_what_is_not_wrong_is_not_found(tree):
    """Text that looks like an import, and a type that a neighbour has."""
    with (tree / "src/pcaspy/native/_server.pyx").open("a") as file:
        file.write('\n"""\nfrom pcaspy.host import access\n"""\n')
    with (tree / "src/pcaspy/host/access.py").open("a") as file:
        file.write("\nfrom typing import TYPE_CHECKING\n")
        file.write("if TYPE_CHECKING:\n    from .lifetime import Host\n")
    assert layers.faults(tree) == []
