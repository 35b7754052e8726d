"""Build of the two extension modules; everything else is in pyproject.toml."""

import os
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import epicscorelibs.path
import epicscorelibs.version
import numpy
from setuptools_dso import Extension, build_ext, cythonize, setup

HERE = Path(__file__).parent
ENGINE_DIRS = ("base", "proto", "dbr", "pv", "server")

# As many compilers at once as there are processors; NUM_JOBS says otherwise, by the
# name that setuptools_dso reads as well.
JOBS = int(os.environ.get("NUM_JOBS") or os.cpu_count() or 1)

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


def strict_flags(source):
    """With STRICT=1, as in CI: warnings are errors, but not in what Cython wrote."""
    if not os.environ.get("STRICT"):
        return []
    generated = Path(source).with_suffix(".pyx").exists()
    warnings = [] if generated else ["-Wconversion", "-Werror"]
    return ["-D_GLIBCXX_ASSERTIONS", *warnings]


class ParallelBuild(build_ext):
    """Compiles the files of all extension modules side by side.

    setuptools itself builds modules in parallel, but the files of one module in turn,
    and nearly all files here are the engine's.
    """

    def build_extensions(self):
        """Each module in a thread that waits for its files; the pool has the files."""
        if self.compiler.compiler_type != "unix":
            super().build_extensions()
            return
        compile_here = self.compiler.compile

        def compile_one(source, extra_postargs=(), **options):
            flags = [*extra_postargs, *strict_flags(source)]
            return compile_here([source], extra_postargs=flags, **options)

        def compile_all(sources, **options):
            started = [pool.submit(compile_one, s, **options) for s in sources]
            return [made for future in started for made in future.result()]

        self.compiler.compile = compile_all
        self.parallel = len(self.extensions)
        with ThreadPoolExecutor(JOBS) as pool:
            super().build_extensions()


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
    # The client's modules first: each is one large file.
    ext_modules=cythonize(
        [*CLIENT, ENGINE],
        nthreads=JOBS if hasattr(os, "fork") else 0,
        language_level=3,
        include_path=["src"],
        compiler_directives={"binding": True, "freethreading_compatible": False},
    ),
    install_requires=[epicscorelibs.version.abi_requires(), "numpy>=1.24"],
    cmdclass={"build_ext": ParallelBuild},
    zip_safe=False,
)
