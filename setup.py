"""Build of the two extension modules; everything else is in pyproject.toml."""

import os
import sys
from pathlib import Path

import epicscorelibs.path
import epicscorelibs.version
import numpy
from setuptools_dso import Extension, cythonize, setup

HERE = Path(__file__).parent
ENGINE_DIRS = ("base", "proto", "dbr", "pv", "server")

if sys.platform == "win32":
    COMPILE = ["/std:c++20", "/O2", "/EHsc"]
    LIBRARIES = ["ws2_32"]
else:
    COMPILE = ["-std=c++20", "-O3", "-fvisibility=hidden", "-Wall", "-Wextra"]
    LIBRARIES = []

# For `make sanitize`. epicscorelibs' own flags have -g0 in them: this comes behind.
SANITIZE = os.environ.get("SANITIZE")
LINK = []
if SANITIZE:
    LINK = [f"-fsanitize={SANITIZE}"]
    COMPILE += [*LINK, "-fno-sanitize-recover=all", "-fno-omit-frame-pointer"]
    COMPILE += ["-O1", "-g"]


def engine_sources():
    """The engine's C++ files, relative to this folder as setuptools wants them."""
    found = [p for d in ENGINE_DIRS for p in sorted((HERE / "ext" / d).glob("*.cpp"))]
    return [p.relative_to(HERE).as_posix() for p in found]


def extension(name, sources, dsos=()):
    """An extension module in C++20 that may link libraries of epicscorelibs."""
    return Extension(
        name,
        sources=list(sources),
        include_dirs=[
            "ext",
            "src",
            numpy.get_include(),
            epicscorelibs.path.include_path,
        ],
        define_macros=[("NPY_NO_DEPRECATED_API", "NPY_1_7_API_VERSION")],
        extra_compile_args=COMPILE,
        extra_link_args=LINK,
        libraries=LIBRARIES,
        dsos=list(dsos),
        language="c++",
    )


ENGINE = extension(
    "pcaspy._engine",
    ["src/pcaspy/_engine.pyx", "src/pcaspy/py_bridge.cpp", *engine_sources()],
    dsos=["epicscorelibs.lib.Com"],
)
CLIENT = [
    extension(f"aioca.{name}", [f"src/aioca/{name}.pyx"])
    for name in ("_values", "_libca", "_requests", "_monitor")
]

setup(
    ext_modules=cythonize(
        [ENGINE, *CLIENT],
        language_level=3,
        include_path=["src"],
        compiler_directives={"binding": True, "freethreading_compatible": False},
    ),
    install_requires=[epicscorelibs.version.abi_requires(), "numpy>=1.24"],
    zip_safe=False,
)
