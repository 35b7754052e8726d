"""Build of the server's extension modules; pyproject.toml has everything else."""

import sys
from pathlib import Path

import pvxslibs.path
import pvxslibs.version

sys.path.insert(0, str(Path(__file__).resolve().parent / "tools"))
from building import (
    ROOT,
    extension,
    library,
    modules_in,
    plain_sources_in,
    setup,
    sources_in,
    string_abi,
)
from setuptools.command.build_py import build_py

ENGINE_DIRS = ("base", "proto", "net", "dbr", "access", "pv", "fields", "server")

# The engine without Python: for the binding's modules, and for drivers in C++.
LIBRARY = library(
    "pcaspy.native.pcas",
    *ENGINE_DIRS,
    macro="PCAS_BUILD",
    dsos=["epicscorelibs.lib.Com"],
    macros=string_abi(),
)
PVA = "pcaspy.native._pva"


def module(name, source):
    """One of the binding. They share its C++, and have of it what they use.

    PVAccess is in one of its own, which nothing but `pva=True` loads: it links pvxs.
    """
    sources = [source, *plain_sources_in("pcaspy.native")]
    dsos = [LIBRARY.name]
    include = []
    if name == PVA:
        sources += sources_in("pva")
        dsos += ["pvxslibs.lib.pvxs", "epicscorelibs.lib.Com"]
        include = [pvxslibs.path.include_path]
    return extension(
        name, sources, dsos=dsos, macros=string_abi(), include=include, trimmed=True
    )


MODULES = [module(*found) for found in modules_in("pcaspy.native").items()]


class BuildWithHeaders(build_py):
    """Puts the engine's headers into the package, for drivers in C++."""

    def run(self):
        """What a build in the tree needs, it finds in the tree."""
        super().run()
        if self.editable_mode:
            return
        for folder in ENGINE_DIRS:
            target = Path(self.build_lib, "pcaspy", "include", folder)
            self.mkpath(str(target))
            for header in sorted((ROOT / "ext" / folder).glob("*.hpp")):
                self.copy_file(str(header), str(target))


setup(
    libraries=[LIBRARY],
    modules=MODULES,
    commands={"build_py": BuildWithHeaders},
    extras_require={
        "metrics": ["prometheus_client>=0.20"],
        "pva": [pvxslibs.version.abi_requires()],
        "status": ["psutil>=5.9"],
        "yaml": ["PyYAML>=6"],
        "top": ["textual>=8.2"],
    },
)
