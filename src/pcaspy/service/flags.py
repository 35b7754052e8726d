"""What a driver in C++ is compiled and linked with: the engine is a library, too."""

from __future__ import annotations

import logging
from pathlib import Path

from epicscorelibs import path as epics  # type: ignore[import-untyped]

_PACKAGE = Path(__file__).parents[1]


def include_dir() -> Path:
    """Where the engine's headers are: in the package, or in the tree that it is of."""
    installed = _PACKAGE / "include"
    return installed if installed.is_dir() else _PACKAGE.parents[1] / "ext"


def compile_flags() -> list[str]:
    """Options of a C++ compiler."""
    macros = _macros_of_epics()
    defined = [
        f"-D{name}" if value is None else f"-D{name}={value}" for name, value in macros
    ]
    folders = [f"-I{include_dir()}", f"-isystem{epics.include_path}"]
    return ["-std=c++20", *defined, *folders]


def _macros_of_epics() -> list[tuple[str, str | None]]:
    """What epicscorelibs was compiled with."""
    before = logging.root.manager.disable
    logging.disable(logging.WARNING)  # the import tells what it does to setuptools
    try:
        from epicscorelibs import config
    finally:
        logging.disable(before)
    return list(config.get_config_var("CPPFLAGS") or ())


def link_flags() -> list[str]:
    """Options of a linker, for programs that find the libraries where they are now."""
    # libCom by name: the engine's own search path may not reach it.
    libraries = [(_PACKAGE / "native", "pcas"), (Path(epics.lib_path), "Com")]
    found = ["-Wl,--no-as-needed"]
    for folder, name in libraries:
        found += [f"-L{folder}", f"-Wl,-rpath,{folder}", f"-l{name}"]
    return [*found, "-pthread"]
