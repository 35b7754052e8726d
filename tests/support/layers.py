"""Who includes and imports whom in ext/ and src/, and what of it is wrong.

An include or an import points only to the left of the tables below. Imports in
functions count as all others. Those for type checkers alone must not point to the right
either, but may close a circle within a layer. A folder that no table has is a fault.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

# ---- the tables ----

# Folders of ext/, and what each may include besides itself.
CPP = {
    "base": set(),
    "proto": {"base"},
    "dbr": {"base"},
    "net": {"base"},
    "access": {"base"},
    "pv": {"base", "dbr", "access"},
    "fields": {"base", "dbr", "access", "pv"},
    "server": {"base", "proto", "dbr", "net", "access", "pv"},
    "pva": {"base", "dbr", "access", "pv"},
    "client": {"base"},
}
# Bytes and values: no sockets, clocks, locks, threads.
PURE = {"proto", "dbr"}
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
ASLIB = {"asLib.h", "asTrapWrite.h", "asCa.h", "asDbLib.h"}

# Modules and folders of a package from left to right; "" is the package's __init__.
LAYERS = {
    "pcaspy": [
        {"_version", "_libcom", "alarm"},  # numbers and names
        {"native"},
        {"host"},
        {"lowlevel"},
        {"served"},
        {"state", "status", "putlog", "control"},  # beside a server
        {
            "cas",
            "driver",
            "server",
            "extras",
            "pvdb",
            "tools",
            "testing",
            "",
        },  # for users
        {"service", "snoop", "top"},
        {"commands", "__main__"},
    ],
    "aioca": [
        {"_libraries", "_epics", "_errors", "_search", "types"},
        {"native"},
        {
            *("channel", "operations", "subscription"),
            *("_contexts", "_camonitor", "_catools", "_public", ""),
        },
        {"tools", "__main__"},
    ],
}
# Folders of src/. `_cpp` declares C++ for Cython, for the modules beside it.
FOLDERS = {
    "pcaspy",
    "pcaspy/native",
    "pcaspy/native/_cpp",
    "pcaspy/host",
    "pcaspy/lowlevel",
    "pcaspy/control",
    "pcaspy/served",
    "pcaspy/putlog",
    "pcaspy/state",
    "pcaspy/status",
    "pcaspy/service",
    "pcaspy/snoop",
    "pcaspy/top",
    "pcaspy/commands",
    "aioca",
    "aioca/native",
    "aioca/native/_cpp",
    "aioca/tools",
}
# Folders of ext/ that a package's binding may use.
BINDS = {
    "pcaspy": {
        *("base", "proto", "dbr", "net", "access", "pv", "fields", "server", "pva"),
    },
    "aioca": {"base", "client"},
}

INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]', re.MULTILINE)
EXTERN = re.compile(r'\bextern\s+from\s+"([^"<>]+)"')
CPP_SUFFIXES = {".cpp", ".hpp", ".h"}
CYTHON_SUFFIXES = {".pyx", ".pxd"}
SUFFIXES = {".py", *CPP_SUFFIXES, *CYTHON_SUFFIXES}


def sources(folder: Path, suffixes: set[str]) -> list[Path]:
    """What people wrote below a folder."""
    return [
        path
        for path in sorted(folder.rglob("*"))
        if path.suffix in suffixes
        and not (path.suffix == ".cpp" and path.with_suffix(".pyx").exists())
    ]


def faults(root: Path) -> list[str]:
    """A line for each thing that is wrong in the tree below `root`."""
    return [
        *unknown_folders(root),
        *wrong_includes(root / "ext"),
        *wrong_bindings(root),
        *wrong_imports(root / "src"),
    ]


def unknown_folders(root: Path) -> Iterator[str]:
    """Folders with sources, and modules of packages, that no table has."""
    folders = {path.parent for path in sources(root / "ext", SUFFIXES)}
    for folder in sorted(folders):
        if folder.relative_to(root / "ext").as_posix() not in CPP:
            yield f"{folder.relative_to(root)} is no folder that the tables know"
    folders = {path.parent for path in sources(root / "src", SUFFIXES)}
    for folder in sorted(folders):
        if folder.relative_to(root / "src").as_posix() not in FOLDERS:
            yield f"{folder.relative_to(root)} is no folder that the tables know"


# ---- includes ----


def wrong_includes(ext: Path) -> Iterator[str]:
    """What C++ includes and should not."""
    graph: dict[str, set[str]] = {}
    for path in sources(ext, CPP_SUFFIXES):
        name = path.relative_to(ext).as_posix()
        folder = name.partition("/")[0]
        graph[name] = set()
        for quote, included in INCLUDE.findall(path.read_text()):
            if quote == '"' and (ext / included).is_file():
                graph[name].add(included)
                of = included.partition("/")[0]
                if of != folder and of not in CPP.get(folder, ()):
                    yield f"ext/{name} includes {included}"
            elif quote == '"':
                yield f'ext/{name} includes "{included}", which is no file of ext'
            elif included == "Python.h" or "numpy" in included:
                yield f"ext/{name} includes {included}"
            elif folder in PURE and included in IMPURE:
                yield f"ext/{name} includes {included}"
            elif included in ASLIB and folder != "access":
                yield f"ext/{name} includes {included}"
    yield from circles(graph)


def wrong_bindings(root: Path) -> Iterator[str]:
    """What the C++ and Cython of a package take from folders that it does not bind."""
    for package, folders in BINDS.items():
        for path in sources(root / "src" / package, CPP_SUFFIXES | CYTHON_SUFFIXES):
            text = path.read_text()
            found = [name for _, name in INCLUDE.findall(text)]
            for name in [*found, *EXTERN.findall(text)]:
                of = name.partition("/")[0]
                if of in CPP and of not in folders:
                    yield f"{path.relative_to(root)} includes {name}"
                if name in ASLIB:
                    yield f"{path.relative_to(root)} includes {name}"


# ---- imports ----


@dataclass
class Module:
    """A module with what it imports: when it runs, or for type checkers alone."""

    runs: set[str] = field(default_factory=set)
    typing: set[str] = field(default_factory=set)


def wrong_imports(src: Path) -> Iterator[str]:
    """Imports to the right, of the other package, and in a circle."""
    paths = {
        path: dotted(path.relative_to(src))
        for path in sources(src, {".py", *CYTHON_SUFFIXES})
    }
    modules = {name: Module() for name in paths.values()}
    for path, name in paths.items():
        read_imports(path, name, modules)
    for name, module in modules.items():
        module.runs.discard(name)
        here = layer_of(name)
        if here is None:
            yield f"{name} is in no layer"
            continue
        for other in sorted(module.runs | module.typing):
            there = layer_of(other)
            if other.partition(".")[0] != name.partition(".")[0]:
                yield f"{name} imports {other}, of the other package"
            elif there is not None and there > here:
                yield f"{name} imports {other}, which is to the right"
    yield from circles({name: module.runs for name, module in modules.items()})


def dotted(path: Path) -> str:
    """The module that a file is, or belongs to."""
    parts = path.with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def layer_of(name: str) -> int | None:
    """How far to the right a module is; None if no table says so."""
    package, _, rest = name.partition(".")
    head = rest.partition(".")[0]
    if head == "_cpp":  # declarations
        return 0
    for place, members in enumerate(LAYERS.get(package, ())):
        if head in members:
            return place
    return None


def read_imports(path: Path, name: str, modules: dict[str, Module]) -> None:
    """Notes what a file imports of the modules of both packages."""
    is_package = path.stem == "__init__"
    if path.suffix == ".py":
        found = python_imports(ast.parse(path.read_text()))
    else:
        found = cython_imports(path.read_text())
    for only_typing, level, module, names in found:
        base = module
        if level:
            parts = name.split(".")
            parts = parts[: len(parts) - level + is_package]
            base = ".".join([*parts, *([module] if module else [])])
        imports = modules[name].typing if only_typing else modules[name].runs
        for item in names or [""]:
            imports |= resolved(base, item, modules)


def resolved(base: str, item: str, modules: Iterable[str]) -> set[str]:
    """The module of ours that ``from base import item`` runs, if it is one."""
    if item and f"{base}.{item}" in modules:
        return {f"{base}.{item}"}
    while base:
        if base in modules:
            return {base}
        base = base.rpartition(".")[0] if not item else ""
    return set()


# only for type checkers, level, module, names
Import = tuple[bool, int, str, list[str]]


def python_imports(tree: ast.AST, only_typing: bool = False) -> Iterator[Import]:
    """All imports below a node, and modules that are imported by their name as text."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield only_typing, 0, alias.name, []
        elif isinstance(node, ast.ImportFrom):
            names = [alias.name for alias in node.names]
            yield only_typing, node.level, node.module or "", names
        elif isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            yield from python_imports(ast.Module(node.body, []), True)
            yield from python_imports(ast.Module(node.orelse, []), only_typing)
        else:
            if isinstance(node, ast.Call) and node.args:
                called = ast.unparse(node.func).rpartition(".")[2]
                text = node.args[0]
                if called in {"import_module", "__import__"} and isinstance(
                    text, ast.Constant
                ):
                    yield only_typing, 0, str(text.value), []
            yield from python_imports(node, only_typing)


CIMPORT = re.compile(
    r"^[ \t]*(?:from[ \t]+(\.*)([\w.]*)[ \t]+c?import[ \t]+(\([^)]*\)|[^\n#;]*)"
    r"|c?import[ \t]+([^\n#;]*))",
    re.MULTILINE,
)
QUIET = re.compile(r'"""(?:.|\n)*?"""|#[^\n]*')


def cython_imports(text: str) -> Iterator[Import]:
    """All imports and cimports of a Cython file, wherever they stand."""
    for dots, module, names, plain in CIMPORT.findall(QUIET.sub("", text)):
        if plain:
            for name in plain.split(","):
                yield False, 0, name.split()[0], []
        else:
            items = [
                item.split()[0] for item in names.strip("()").split(",") if item.strip()
            ]
            yield False, len(dots), module, items


# ---- circles ----


def circles(graph: dict[str, set[str]]) -> Iterator[str]:
    """One circle for each place where there is one."""
    done: set[str] = set()

    def visit(node: str, path: tuple[str, ...]) -> Iterator[str]:
        if node in path:
            yield "a circle: " + " -> ".join((*path[path.index(node) :], node))
        elif node not in done:
            for following in sorted(graph.get(node, ())):
                yield from visit(following, (*path, node))
            done.add(node)

    for node in sorted(graph):
        yield from visit(node, ())
