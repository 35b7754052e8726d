"""The contenders' environments and programs, all made by the benchmark itself."""

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import epicscorelibs.path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
sys.path.insert(0, str(ROOT / "tests"))

from support.peers import peer_python  # noqa: E402

BUILD = ROOT / "build" / "bench"
LIBRARY = Path(epicscorelibs.path.lib_path)
C_FLAGS = ["-O2", "-std=gnu17", "-Wall", "-Wextra", "-D_GNU_SOURCE"]
EPICS_INCLUDES = [
    "-Dlinux",
    "-DUNIX",
    "-DUSE_TYPED_RSET",
    f"-I{epicscorelibs.path.include_path}",
]
LINK_FLAGS = [f"-L{LIBRARY}", f"-Wl,-rpath,{LIBRARY}", "-Wl,--no-as-needed"]
EPICS_FLAGS = [*EPICS_INCLUDES, *LINK_FLAGS]
PROGRAMS = {
    "load/raw_load.c": [],
    "load/libca_load.c": [*EPICS_FLAGS, "-lca", "-lCom"],
    "servers/rote_server.c": [],
    "servers/ioc_server.c": [*EPICS_FLAGS, "-ldbRecStd", "-ldbCore", "-lca", "-lCom"],
}


def program(name):
    """Return the path of a compiled C program."""
    return str(BUILD / name)


def compile_programs():
    """Compile the C programs that are older than their sources."""
    BUILD.mkdir(parents=True, exist_ok=True)
    headers = max(h.stat().st_mtime for h in (HERE / "load").glob("*.h"))
    for source, flags in PROGRAMS.items():
        path = HERE / source
        target = BUILD / path.stem
        newest = max(path.stat().st_mtime, headers)
        if not target.exists() or target.stat().st_mtime < newest:
            command = ["cc", *C_FLAGS, str(path), "-o", str(target), *flags]
            subprocess.run(command, check=True)


def engine_flags(what):
    """Return how a program in C++ is compiled or linked with the package's library."""
    command = [sys.executable, "-m", "pcaspy", "flags", what]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def compile_engine():
    """Compile the engine's C++ server, which uses the package's library."""
    source = HERE / "servers" / "engine_server.cpp"
    target = program("engine_server")
    command = [*os.environ.get("CXX", "c++").split(), "-O3", str(source), "-o", target]
    flags = engine_flags("--compile") + engine_flags("--link")
    subprocess.run([*command, *flags.split(), "-pthread"], check=True)


@dataclass(frozen=True)
class Contender:
    """One server: how it is started and what it can do."""

    name: str
    label: str
    modes: frozenset
    script: str = ""
    package: str = ""  # what a server in Python imports

    @property
    def python(self):
        """The interpreter of a contender that is a Python package."""
        return sys.executable if self.name == "ours" else str(peer_python(self.name))

    def command(self, mode, count, port):
        if self.name == "rote":
            return [program("rote_server"), str(port)]
        if self.name == "engine":
            return [program("engine_server"), mode, str(count)]
        if self.name == "ioc":
            dbd = LIBRARY.parent / "dbd"
            return [program("ioc_server"), str(dbd), mode, str(count)]
        return [self.python, str(HERE / "servers" / self.script), mode, str(count)]


C_MODES = frozenset({"plain", "arrays", "write"})
PEER_MODES = C_MODES | {"import"}
ALL_MODES = PEER_MODES | {"read", "scan", "sparse", "busy"}
CONTENDERS = {
    c.name: c
    for c in (
        Contender("ours", "ours", ALL_MODES, "pcaspy_server.py", "pcaspy"),
        Contender("pcaspy", "pcaspy 0.8.1", ALL_MODES, "pcaspy_server.py", "pcaspy"),
        Contender(
            "caproto", "caproto", PEER_MODES, "caproto_server.py", "caproto.server"
        ),
        Contender(
            "softioc", "softioc", PEER_MODES, "softioc_server.py", "softioc.softioc"
        ),
        Contender(
            "repics", "repics 0.3", PEER_MODES, "repics_server.py", "repics.ca.server"
        ),
        Contender("ioc", "reference IOC (C)", C_MODES),
        Contender("engine", "our engine without Python", C_MODES),
        Contender("rote", "by rote", C_MODES),
    )
}
