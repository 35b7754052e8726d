"""The contenders' environments and programs, all made by the benchmark itself."""

import subprocess
import sys
import venv
from dataclasses import dataclass
from pathlib import Path

import epicscorelibs.path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
PEERS = ROOT / ".peers"
BUILD = ROOT / "build" / "bench"
LIBRARY = Path(epicscorelibs.path.lib_path)
C_FLAGS = ["-O2", "-std=gnu17", "-Wall", "-Wextra", "-D_GNU_SOURCE"]
EPICS_FLAGS = [
    "-Dlinux",
    "-DUNIX",
    "-DUSE_TYPED_RSET",
    f"-I{epicscorelibs.path.include_path}",
    f"-L{LIBRARY}",
    f"-Wl,-rpath,{LIBRARY}",
    "-Wl,--no-as-needed",
]
PROGRAMS = {
    "load/raw_load.c": [],
    "load/libca_load.c": [*EPICS_FLAGS, "-lca", "-lCom"],
    "servers/rote_server.c": [],
    "servers/ioc_server.c": [*EPICS_FLAGS, "-ldbRecStd", "-ldbCore", "-lca", "-lCom"],
}
PACKAGES = {
    "pcaspy": ["pcaspy==0.8.1", "numpy"],
    "caproto": ["caproto==1.3.0", "numpy"],
    "softioc": ["softioc==4.7.2", "numpy"],
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


def peer_python(name):
    """Return the interpreter of a peer's own environment, made at the first use."""
    folder = PEERS / name
    python = folder / "bin" / "python"
    complete = folder / "benchmark-complete"
    wanted = "\n".join(PACKAGES[name])
    if not complete.exists() or complete.read_text() != wanted:
        print(f"making the environment of {name}", file=sys.stderr)
        venv.create(folder, with_pip=True, clear=True)
        subprocess.run(
            [python, "-m", "pip", "install", "-q", *PACKAGES[name]], check=True
        )
        complete.write_text(wanted)
    return str(python)


@dataclass(frozen=True)
class Contender:
    """One server: how it is started and what it can do."""

    name: str
    label: str
    modes: frozenset
    script: str = ""

    def command(self, mode, count, port):
        if self.name == "rote":
            return [program("rote_server"), str(port)]
        if self.name == "ioc":
            dbd = LIBRARY.parent / "dbd"
            return [program("ioc_server"), str(dbd), mode, str(count)]
        python = sys.executable if self.name == "ours" else peer_python(self.name)
        return [python, str(HERE / "servers" / self.script), mode, str(count)]


ALL_MODES = frozenset({"plain", "arrays", "write", "read", "scan", "sparse", "busy"})
PEER_MODES = frozenset({"plain", "arrays", "write"})
CONTENDERS = {
    c.name: c
    for c in (
        Contender("ours", "ours", ALL_MODES, "pcaspy_server.py"),
        Contender("pcaspy", "pcaspy 0.8.1", ALL_MODES, "pcaspy_server.py"),
        Contender("caproto", "caproto", PEER_MODES, "caproto_server.py"),
        Contender("softioc", "softioc", PEER_MODES, "softioc_server.py"),
        Contender("ioc", "reference IOC (C)", PEER_MODES),
        Contender("rote", "by rote", PEER_MODES),
    )
}
