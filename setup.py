"""Build of the extension modules and libraries; pyproject.toml has everything else."""

import os
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import epicscorelibs.config
import epicscorelibs.path
import epicscorelibs.version
import numpy
from setuptools.command.build_py import build_py
from setuptools_dso import DSO, Extension, build_ext, cythonize, setup

HERE = Path(__file__).parent
ENGINE_DIRS = ("base", "proto", "net", "dbr", "access", "pv", "server")

# As many compilers at once as there are processors; NUM_JOBS says otherwise, by the
# name that setuptools_dso reads as well.
JOBS = int(os.environ.get("NUM_JOBS") or os.cpu_count() or 1)

if sys.platform == "win32":
    COMPILE = ["/std:c++20", "/O2", "/EHsc"]
    LIBRARIES = ["ws2_32"]
else:
    # The faults of tests/mutants are compiled without optimisation.
    OPTIMIZE = os.environ.get("PCASPY_OPTIMIZE", "-O3")
    COMPILE = ["-std=c++20", OPTIMIZE, "-fvisibility=hidden", "-Wall", "-Wextra"]
    LIBRARIES = []

# For `make sanitize`. epicscorelibs' own flags have -g0 in them: this comes behind.
SANITIZE = os.environ.get("SANITIZE")
STRICT = os.environ.get("STRICT")
LINK = []
if SANITIZE:
    LINK = [f"-fsanitize={SANITIZE}"]
    COMPILE += [*LINK, "-fno-sanitize-recover=all", "-fno-omit-frame-pointer"]
    COMPILE += ["-O1", "-g1"]  # lines in reports; more takes a third longer


def strict_flags(generated):
    """With STRICT=1, as in CI: warnings are errors, but not in what Cython wrote.

    And the engine checks what must hold, as it does under sanitizers.
    """
    if generated:
        return ["-D_GLIBCXX_ASSERTIONS"] if STRICT else []
    flags = ["-UNDEBUG"] if STRICT or SANITIZE else []
    if STRICT:
        flags += ["-D_GLIBCXX_ASSERTIONS", "-Wconversion", "-Werror"]
    return flags


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
            generated = Path(source).with_suffix(".pyx").exists()
            flags = [*extra_postargs, *strict_flags(generated)]
            return compile_here([source], extra_postargs=flags, **options)

        # What several modules share is compiled once.
        started = {}
        starting = threading.Lock()

        def start(source, options):
            with starting:
                if source not in started:
                    started[source] = pool.submit(compile_one, source, **options)
                return started[source]

        def compile_all(sources, **options):
            running = [start(source, options) for source in sources]
            return [made for future in running for made in future.result()]

        self.compiler.compile = compile_all
        self.parallel = len(self.extensions)
        with ThreadPoolExecutor(JOBS) as pool:
            super().build_extensions()


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
            for header in sorted((HERE / "ext" / folder).glob("*.hpp")):
                self.copy_file(str(header), str(target))


def sources_in(*folders):
    """The C++ files in folders of ext, by the relative names that setuptools wants."""
    found = [p for d in folders for p in sorted((HERE / "ext" / d).glob("*.cpp"))]
    return [p.relative_to(HERE).as_posix() for p in found]


INCLUDE = ["ext", "src", numpy.get_include(), epicscorelibs.path.include_path]


def string_abi():
    """How std::string is laid out in epicscorelibs, as a macro: ours is the same.

    What links the engine and other libraries built for epicscorelibs can then hand
    strings from one to the other.
    """
    macros = epicscorelibs.config.get_config_var("CPPFLAGS")
    return [macro for macro in macros if macro[0] == "_GLIBCXX_USE_CXX11_ABI"]


def extension(name, sources, dsos=(), macros=(), trimmed=False):
    """An extension module in C++20; it may link libraries, ours and others.

    A trimmed one leaves out the functions of its sources that it does not use.
    """
    sections, unused = [], []
    if trimmed and sys.platform not in ("win32", "darwin"):
        sections, unused = ["-ffunction-sections"], ["-Wl,--gc-sections"]
    return Extension(
        name,
        sources=list(sources),
        include_dirs=INCLUDE,
        define_macros=[("NPY_NO_DEPRECATED_API", "NPY_1_7_API_VERSION"), *macros],
        extra_compile_args=[*COMPILE, *sections],
        extra_link_args=[*LINK, *unused],
        libraries=LIBRARIES,
        dsos=list(dsos),
        language="c++",
    )


def library(name, folders, build_macro, dsos=(), macros=()):
    """Folders of ext as a shared library, which lies in the package of its name.

    It has that one name, as a file and to the loader. What it exports is marked in its
    headers; `build_macro` tells them that it is being built. Within the library what is
    exported is called as directly as everything else.
    """
    direct, named = [], []
    if sys.platform not in ("win32", "darwin"):
        direct = ["-fno-semantic-interposition"]
        named = ["-Wl,-Bsymbolic-functions", f"-Wl,-h,{file_of(name)}"]
    return DSO(
        name,
        sources=sources_in(*folders),
        depends=[p.relative_to(HERE).as_posix() for p in HERE.glob("ext/*/*.hpp")],
        include_dirs=INCLUDE,
        define_macros=[(build_macro, None), *macros],
        extra_compile_args=[*COMPILE, *direct, *strict_flags(generated=False)],
        extra_link_args=[*LINK, *named],
        libraries=LIBRARIES,
        dsos=list(dsos),
        language="c++",
        gen_info=False,
    )


def file_of(library_name):
    """The file of a library, as ELF systems name it."""
    return f"lib{library_name.rpartition('.')[2]}.so"


def modules_in(package):
    """The Cython sources of a package, by the names of their modules."""
    folder = HERE / "src" / Path(*package.split("."))
    return {
        f"{package}.{path.stem}": path.relative_to(HERE).as_posix()
        for path in sorted(folder.glob("*.pyx"))
    }


# C++ of the binding's own, for all of its modules.
BRIDGE = [
    path.relative_to(HERE).as_posix()
    for path in sorted((HERE / "src/pcaspy/native").glob("*.cpp"))
    if not path.with_suffix(".pyx").exists()
]
# The engine without Python: for the binding's modules, and for drivers in C++.
ENGINE_LIBRARY = library(
    "pcaspy.native.pcas",
    ENGINE_DIRS,
    "PCAS_BUILD",
    dsos=["epicscorelibs.lib.Com"],
    macros=string_abi(),
)
ENGINE = [
    extension(
        name,
        [source, *BRIDGE],
        dsos=[ENGINE_LIBRARY.name],
        macros=string_abi(),
        trimmed=True,
    )
    for name, source in modules_in("pcaspy.native").items()
]
# The client's modules share its C++, and the state of it.
CLIENT_LIBRARY = library("aioca.native.aioca_client", ["client"], "AIOCA_BUILD")
CLIENT = [
    extension(name, [source], dsos=[CLIENT_LIBRARY.name])
    for name, source in modules_in("aioca.native").items()
]

setup(
    x_dsos=[ENGINE_LIBRARY, CLIENT_LIBRARY],
    ext_modules=cythonize(
        [*CLIENT, *ENGINE],
        nthreads=JOBS if hasattr(os, "fork") else 0,
        language_level=3,
        include_path=["src"],
        compiler_directives={"binding": True, "freethreading_compatible": False},
    ),
    install_requires=[epicscorelibs.version.abi_requires(), "numpy>=1.24"],
    cmdclass={"build_ext": ParallelBuild, "build_py": BuildWithHeaders},
    zip_safe=False,
)
