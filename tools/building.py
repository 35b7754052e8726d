"""How the extension modules and libraries of both projects are built.

Each setup.py names its modules; this has the flags and the commands. It lies in both
source distributions, with the same folders `src` and `ext` beside its own.
"""

import logging
import os
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import epicscorelibs.config
import epicscorelibs.path
import epicscorelibs.version
import numpy
import setuptools_dso
from setuptools.modified import newer_group
from setuptools_dso import DSO, Extension, build_dso, build_ext, cythonize

ROOT = Path(__file__).resolve().parents[1]

# As many compilers at once as there are processors; NUM_JOBS says otherwise, by the
# name that setuptools_dso reads as well.
JOBS = int(os.environ.get("NUM_JOBS") or os.cpu_count() or 1)

if sys.platform == "win32":
    COMPILE = ["/std:c++20", "/O2", "/EHsc"]
    LIBRARIES = ["ws2_32"]
else:
    # The faults of tests/long/mutants are compiled without optimisation.
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


# setuptools_dso warns of this for each file.
logging.getLogger().addFilter(lambda record: "_patch_fix" not in str(record.msg))


# ---- what is built ----


def named(path):
    """A file's name for setuptools: relative below the project that is being built.

    In a checkout, the client's project is a folder beside that of the sources.
    """
    here = Path.cwd()
    return path.relative_to(here).as_posix() if path.is_relative_to(here) else str(path)


def sources_in(*folders):
    """The C++ files in folders of ext."""
    found = [p for d in folders for p in sorted((ROOT / "ext" / d).glob("*.cpp"))]
    return [named(path) for path in found]


def modules_in(package):
    """The Cython sources of a package, by the names of their modules."""
    folder = ROOT / "src" / Path(*package.split("."))
    found = sorted(folder.glob("*.pyx"))
    return {f"{package}.{path.stem}": named(path) for path in found}


def plain_sources_in(package):
    """The C++ files of a package that Cython did not write."""
    folder = ROOT / "src" / Path(*package.split("."))
    found = sorted(folder.glob("*.cpp"))
    return [named(path) for path in found if not path.with_suffix(".pyx").exists()]


INCLUDE = [named(ROOT / "ext"), named(ROOT / "src")]
INCLUDE += [numpy.get_include(), epicscorelibs.path.include_path]


def string_abi():
    """How std::string is laid out in epicscorelibs, as a macro: ours is the same.

    What links the engine and other libraries built for epicscorelibs can then hand
    strings from one to the other.
    """
    macros = epicscorelibs.config.get_config_var("CPPFLAGS")
    return [macro for macro in macros if macro[0] == "_GLIBCXX_USE_CXX11_ABI"]


def foreign(folders):
    """Flags for headers of others, whose warnings are not ours."""
    option = "/external:I" if sys.platform == "win32" else "-isystem"
    return [flag for folder in folders for flag in (option, folder)]


def extension(name, sources, dsos=(), macros=(), include=(), trimmed=False):
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
        extra_compile_args=[*COMPILE, *sections, *foreign(include)],
        extra_link_args=[*LINK, *unused],
        libraries=LIBRARIES,
        dsos=list(dsos),
        language="c++",
    )


def library(name, *folders, macro, dsos=(), macros=()):
    """Folders of ext as a shared library, which lies in the package of its name.

    It has that one name, as a file and to the loader. What it exports is marked in its
    headers; `macro` tells them that it is being built. Within the library what is
    exported is called as directly as everything else.
    """
    # What links it is also looked for in the installed package, which is imported for
    # that. Here that is the one being built: half of it may be there.
    sys.modules[name.partition(".")[0]] = None
    direct, named_so = [], []
    if sys.platform not in ("win32", "darwin"):
        direct = ["-fno-semantic-interposition"]
        named_so = ["-Wl,-Bsymbolic-functions", f"-Wl,-h,{file_of(name)}"]
    return DSO(
        name,
        sources=sources_in(*folders),
        depends=[named(path) for path in ROOT.glob("ext/*/*.hpp")],
        include_dirs=INCLUDE,
        define_macros=[(macro, None), *macros],
        extra_compile_args=[*COMPILE, *direct],
        extra_link_args=[*LINK, *named_so],
        libraries=LIBRARIES,
        dsos=list(dsos),
        language="c++",
        gen_info=False,
    )


def file_of(library_name):
    """The file of a library, as ELF systems name it."""
    return f"lib{library_name.rpartition('.')[2]}.so"


def setup(libraries=(), modules=(), commands=None, **options):
    """What setuptools does for a project with these libraries and extension modules."""
    native = {
        "x_dsos": list(libraries),
        "ext_modules": list(modules),
    }
    commands = {
        "build_ext": BuildModules,
        "build_dso": BuildLibraries,
        **(commands or {}),
    }
    setuptools_dso.setup(
        # `make` compiles afterwards, where one sees it.
        **({} if os.environ.get("PCASPY_COMPILE") == "0" else native),
        cmdclass=commands,
        install_requires=[epicscorelibs.version.abi_requires(), "numpy>=1.24"],
        zip_safe=False,
        **options,
    )


# ---- how it is built ----


def strict_flags(source):
    """With STRICT=1, as in CI: warnings are errors, but not in what Cython wrote.

    And the engine checks what must hold, as it does under sanitizers.
    """
    if Path(source).with_suffix(".pyx").exists():
        return ["-D_GLIBCXX_ASSERTIONS"] if STRICT else []
    flags = ["-UNDEBUG"] if STRICT or SANITIZE else []
    if STRICT:
        flags += ["-D_GLIBCXX_ASSERTIONS", "-Wconversion", "-Werror"]
    return flags


def slim(modules):
    """Leaves out of a wheel what only debuggers read: nine tenths of its size."""
    for module in modules if sys.platform != "win32" else ():
        module.extra_compile_args = [*module.extra_compile_args, "-g0"]
        if sys.platform != "darwin":
            module.extra_link_args = [*module.extra_link_args, "-Wl,--strip-all"]


# Reading these takes a compiler longer than what follows them in most files.
COMMON = """algorithm array atomic chrono cstring deque functional memory mutex
    shared_mutex span stdexcept string string_view system_error thread unordered_map
    utility vector""".split()


def precompiled(compiler, compile_here, options):
    """Flags with which a file finds the standard library's headers read already.

    For wheels only: ccache cannot look into them, and what is built in place fails when
    a file does not include what it uses.
    """
    folder = Path(options["output_dir"], "common")
    folder.mkdir(parents=True, exist_ok=True)
    header = folder / "common.hpp"
    header.write_text("".join(f"#include <{name}>\n" for name in COMMON))
    compiler.src_extensions = [*compiler.src_extensions, ".hpp"]
    (made,) = compile_here([str(header)], **options)
    os.replace(made, f"{header}.gch")
    return ["-include", str(header)]


def largest_first(sources):
    """So that no processor waits at the end for a file that another has just begun."""
    return sorted(sources, key=lambda source: -Path(source).stat().st_size)


def compile_one(compile_here, source, extra_postargs=(), **options):
    """One file, in a thread of the pool."""
    begin = time.monotonic()
    flags = [*extra_postargs, *strict_flags(source)]
    made = compile_here([source], extra_postargs=flags, **options)
    seconds = time.monotonic() - begin
    print(f"compiled {os.path.relpath(source, ROOT)} in {seconds:.1f} s", flush=True)
    return made


class BuildModules(build_ext):
    """Compiles the files of all extension modules side by side.

    setuptools itself builds modules in parallel, but the files of one module in turn.
    """

    def finalize_options(self):
        """Whether it is for a wheel is told here, setuptools forgets it later."""
        super().finalize_options()
        self.for_wheel = not (self.inplace or self.editable_mode or SANITIZE)

    def run(self):
        """Cython first; not for a source distribution or for metadata alone."""
        made = cythonize(
            self.extensions,
            nthreads=JOBS if hasattr(os, "fork") else 0,
            language_level=3,
            include_path=[named(ROOT / "src")],
            compiler_directives={"binding": True, "freethreading_compatible": False},
        )
        for module, generated in zip(self.extensions, made, strict=True):
            module.sources, module.depends = generated.sources, generated.depends
        super().run()

    def build_extensions(self):
        """Each module in a thread that waits for its files; the pool has the files."""
        if self.for_wheel:
            slim(self.extensions)
        if self.compiler.compiler_type != "unix":
            super().build_extensions()
            return
        compile_here = self.compiler.compile

        # What several modules share is compiled once.
        started = {}
        starting = threading.Lock()
        headers = []

        def start(source, options):
            with starting:
                if source not in started:
                    started[source] = pool.submit(
                        compile_one, compile_here, source, **options
                    )
                return started[source]

        def compile_all(sources, **options):
            with starting:
                if self.for_wheel and not headers:
                    headers.extend(precompiled(self.compiler, compile_here, options))
            options["extra_postargs"] = [*options["extra_postargs"], *headers]
            running = [start(source, options) for source in largest_first(sources)]
            return [made for future in running for made in future.result()]

        self.compiler.compile = compile_all
        self.parallel = len(self.extensions)
        with ThreadPoolExecutor(JOBS) as pool:
            super().build_extensions()


class BuildLibraries(build_dso):
    """Compiles the files of a library side by side, each processor the next one."""

    def build_dso(self, dso):
        """Links what the pool has compiled."""
        made = os.path.join(self.build_lib, self._name2file(dso, so=True))
        if not (self.force or newer_group([*dso.sources, *dso.depends], made, "newer")):
            return
        if self.get_finalized_command("build_ext").for_wheel:
            slim([dso])
        if self.compiler.compiler_type == "unix":
            options = {
                "output_dir": self.build_temp,
                "macros": dso.define_macros,
                "include_dirs": dso.include_dirs,
                "extra_postargs": dso.extra_compile_args,
                "depends": dso.depends,
            }
            if self.get_finalized_command("build_ext").for_wheel:
                headers = precompiled(self.compiler, self.compiler.compile, options)
                options["extra_postargs"] = [*options["extra_postargs"], *headers]
            with ThreadPoolExecutor(JOBS) as pool:
                running = [
                    pool.submit(compile_one, self.compiler.compile, source, **options)
                    for source in largest_first(dso.sources)
                ]
            dso.extra_objects = [made for f in running for made in f.result()]
            dso.sources = []
        forced, self.force = self.force, True  # it cannot see what the objects are of
        super().build_dso(dso)
        self.force = forced
