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

from aioca._libraries import library_path, share_libca

__all__ = ["cadef", "dbr"]


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
share_libca()
