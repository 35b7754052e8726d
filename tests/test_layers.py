"""An include or an import only points to the left of the diagram in the design.

base <- proto <-+
base <- dbr  <- pv <- server <- py_bridge / _engine.pyx <- pcaspy <- user
"""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
EXT = ROOT / "ext"
SRC = ROOT / "src"

MAY_INCLUDE = {
    "base": {"base"},
    "proto": {"base", "proto"},
    "dbr": {"base", "dbr"},
    "pv": {"base", "dbr", "pv"},
    "server": {"base", "proto", "dbr", "pv", "server"},
}
# The codec is pure: no sockets, no clocks, no locks, no threads.
IMPURE = {
    "sys/socket.h",
    "netinet/in.h",
    "arpa/inet.h",
    "sys/epoll.h",
    "osiSock.h",
    "chrono",
    "thread",
    "mutex",
    "shared_mutex",
    "condition_variable",
}
PYTHON_MAY_IMPORT = {"pcaspy": {"pcaspy"}, "aioca": {"aioca"}}
CONSTANTS = {"alarm"}
INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]', re.MULTILINE)
CIMPORT = re.compile(r"^\s*(?:from\s+([\w.]+)\s+c?import|c?import\s+([\w.]+))", re.M)
SOURCES = sorted(p for p in EXT.rglob("*") if p.suffix in {".cpp", ".hpp", ".h"})


def includes(path: Path) -> list[str]:
    """Every included name in a file."""
    return [name for _, name in INCLUDE.findall(path.read_text())]


def layer(name: str) -> str:
    """The folder under ext/ that a quoted include names, or an empty string."""
    head = name.partition("/")[0]
    return head if head in MAY_INCLUDE and (EXT / name).exists() else ""


def relative(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def test_the_engine_is_where_this_test_looks():
    assert {p.relative_to(EXT).parts[0] for p in SOURCES} == set(MAY_INCLUDE)


@pytest.mark.parametrize("folder", MAY_INCLUDE)
def test_includes_point_to_the_left(folder):
    wrong = [
        f"{relative(path)} includes {name}"
        for path in SOURCES
        if path.relative_to(EXT).parts[0] == folder
        for name in includes(path)
        if layer(name) and layer(name) not in MAY_INCLUDE[folder]
    ]
    assert wrong == []


def test_every_quoted_include_names_a_file_of_the_engine():
    wrong = [
        f"{relative(path)} includes {name}"
        for path in SOURCES
        for quote, name in INCLUDE.findall(path.read_text())
        if quote == '"' and not layer(name)
    ]
    assert wrong == []


def test_no_include_cycles():
    graph = {
        p.relative_to(EXT).as_posix(): [n for n in includes(p) if layer(n)]
        for p in SOURCES
    }
    done: set[str] = set()

    def visit(node: str, path: tuple[str, ...]) -> None:
        assert node not in path, " -> ".join((*path, node))
        if node not in done:
            for following in graph.get(node, ()):
                visit(following, (*path, node))
            done.add(node)

    for node in graph:
        visit(node, ())


@pytest.mark.parametrize("folder", ["proto", "dbr"])
def test_proto_and_dbr_are_pure(folder):
    wrong = [
        f"{relative(path)} includes {name}"
        for path in SOURCES
        if path.relative_to(EXT).parts[0] == folder
        for name in includes(path)
        if name in IMPURE
    ]
    assert wrong == []


def test_no_python_below_the_bridge():
    wrong = [
        f"{relative(path)} includes {name}"
        for path in SOURCES
        for name in includes(path)
        if name in {"Python.h", "py_bridge.hpp", "py_bridge.h"} or "numpy" in name
    ]
    assert wrong == []


def test_only_access_security_includes_aslib():
    users = {
        relative(path)
        for path in [*SOURCES, *SRC.rglob("*.cpp"), *SRC.rglob("*.hpp")]
        for name in includes(path)
        if name in {"asLib.h", "asTrapWrite.h", "asCa.h", "asDbLib.h"}
    }
    allowed = {"ext/pv/access_security.cpp", "ext/pv/access_security.hpp"}
    assert users <= allowed


def imports(path: Path) -> set[str]:
    """First parts of the absolute modules that a Python or Cython file imports."""
    text = path.read_text()
    if path.suffix == ".py":
        found = set()
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.Import):
                found |= {alias.name for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and not node.level:
                found.add(node.module or "")
    else:
        found = {a or b for a, b in CIMPORT.findall(text)}
    return {name.partition(".")[0] for name in found}


@pytest.mark.parametrize("package", PYTHON_MAY_IMPORT)
def test_the_two_packages_do_not_import_each_other(package):
    others = set(PYTHON_MAY_IMPORT) - PYTHON_MAY_IMPORT[package]
    files = [
        p for p in (SRC / package).rglob("*") if p.suffix in {".py", ".pyx", ".pxd"}
    ]
    assert files
    wrong = [relative(p) for p in files if imports(p) & others]
    assert wrong == []


def own_imports(path: Path) -> set[str]:
    """Modules of its own package that a Python or Cython module imports at the top."""
    package = path.parent
    own = {p.stem for p in package.iterdir() if p.suffix in {".py", ".pyx"}}
    text = path.read_text()
    found = set()
    for line in text.splitlines():
        match = re.match(
            r"from (?:\.|PACKAGE\.?)(\w*) import (.*)".replace("PACKAGE", package.name),
            line,
        )
        if match:
            names = [match[1]] if match[1] else re.split(r"[\s,()]+", match[2])
            found |= own & set(names)
    return found - {path.stem}


@pytest.mark.parametrize("package", PYTHON_MAY_IMPORT)
def test_modules_import_to_the_left(package):
    """No cycle; compiled modules import private modules and constants only."""
    graph = {
        p.stem: own_imports(p)
        for p in (SRC / package).iterdir()
        if p.suffix in {".py", ".pyx"} and p.stem != "__init__"
    }
    left = dict(graph)
    while left:
        free = [name for name, needs in left.items() if not needs & set(left)]
        assert free, f"a cycle among {left}"
        for name in free:
            del left[name]
    compiled = {p.stem for p in (SRC / package).glob("*.pyx")}
    for name in compiled:
        public = {needed for needed in graph[name] if not needed.startswith("_")}
        assert public <= CONSTANTS, f"{name} imports {public}"
