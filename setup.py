"""Build of the server's extension modules; pyproject.toml has everything else."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent / "tools"))
from building import (
    ROOT,
    extension,
    library,
    modules_in,
    plain_sources_in,
    setup,
    string_abi,
)
from setuptools.command.build_py import build_py

ENGINE_DIRS = ("base", "proto", "net", "dbr", "access", "pv", "server")

# The engine without Python: for the binding's modules, and for drivers in C++.
LIBRARY = library(
    "pcaspy.native.pcas",
    *ENGINE_DIRS,
    macro="PCAS_BUILD",
    dsos=["epicscorelibs.lib.Com"],
    macros=string_abi(),
)
# They share the C++ of the binding's own; each has what it uses of it.
MODULES = [
    extension(
        name,
        [source, *plain_sources_in("pcaspy.native")],
        dsos=[LIBRARY.name],
        macros=string_abi(),
        trimmed=True,
    )
    for name, source in modules_in("pcaspy.native").items()
]


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


setup(libraries=[LIBRARY], modules=MODULES, commands={"build_py": BuildWithHeaders})
