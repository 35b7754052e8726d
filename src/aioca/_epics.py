"""The parts of epicscorelibs that this package builds on, imported cheaply.

``epicscorelibs.ca.cadef`` and ``.dbr`` define the value classes and exceptions that
other packages look for, so they must be those and no copies. They import
``epicscorelibs.path``, which imports setuptools only to find a file name: that takes
longer than numpy and asyncio together. While they are imported, a module that finds the
name directly stands in for it, unless the real one is loaded already.
"""

import ctypes
import importlib
import os
import sys
import types

__all__ = ["cadef", "dbr", "library_path"]


def library_path(name: str) -> str:
    """Path of a library that epicscorelibs ships, for example ``ca`` or ``Com``.

    On Windows also lets the loader search its folder for what it depends on.
    """
    info = importlib.import_module(f"epicscorelibs.lib.{name}_dsoinfo")
    path: str = os.path.abspath(info.sofilename)
    if hasattr(os, "add_dll_directory"):
        os.add_dll_directory(os.path.dirname(path))
    return path


def _stand_in() -> types.ModuleType:
    """What cadef uses of ``epicscorelibs.path``."""
    module = types.ModuleType("epicscorelibs.path")
    base = os.path.dirname(os.path.dirname(library_path("ca")))
    module.base_path = base  # type: ignore[attr-defined]
    module.include_path = os.path.join(base, "include")  # type: ignore[attr-defined]
    module.lib_path = os.path.join(base, "lib")  # type: ignore[attr-defined]
    module.get_lib = library_path  # type: ignore[attr-defined]
    return module


def _import_channel_access() -> tuple[types.ModuleType, types.ModuleType]:
    name = "epicscorelibs.path"
    stand_in = None
    if name not in sys.modules:
        stand_in = sys.modules[name] = _stand_in()
    try:
        return (
            importlib.import_module("epicscorelibs.ca.cadef"),
            importlib.import_module("epicscorelibs.ca.dbr"),
        )
    finally:
        if stand_in is not None and sys.modules.get(name) is stand_in:
            del sys.modules[name]


def _one_libca() -> None:
    """Lets pyepics open the same libca, where it comes later.

    The wheel of epicscorelibs has the library twice, as two files. cadef has opened the
    one with RTLD_GLOBAL; a second copy binds to its symbols but initialises them again,
    and the context that pyepics has made is lost to this package. pyepics asks the
    module changed here for the name of the file; the other leads to the same bytes.
    """
    info = importlib.import_module("epicscorelibs.lib.ca_dsoinfo")
    if os.name != "nt":
        vars(info)["filename"] = info.sofilename


def _add_context_functions() -> None:
    """Functions of libca that programs find in cadef once aioca is imported."""
    if hasattr(cadef, "ca_current_context"):
        return
    current = cadef.libca.ca_current_context
    current.restype = ctypes.c_void_p
    attach = cadef.libca.ca_attach_context
    attach.argtypes = [ctypes.c_void_p]
    attach.errcheck = cadef.expect_ECA_NORMAL
    vars(cadef).update(
        ca_current_context=current,
        ca_attach_context=attach,
        ca_detach_context=cadef.libca.ca_detach_context,
    )


cadef, dbr = _import_channel_access()
_add_context_functions()
_one_libca()
