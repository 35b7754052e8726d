"""The libraries that epicscorelibs ships, found without what its own modules import."""

import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import ModuleType

__all__ = ["library_path", "module_named", "share_libca"]


def module_named(name: str) -> "ModuleType":
    """A module, imported if necessary, without what `importlib` imports for that."""
    __import__(name)
    return sys.modules[name]


def library_path(name: str) -> str:
    """Path of a library that epicscorelibs ships, for example ``ca`` or ``Com``.

    On Windows also lets the loader search its folder for what it depends on.
    """
    info = module_named(f"epicscorelibs.lib.{name}_dsoinfo")
    path: str = os.path.abspath(info.sofilename)
    if hasattr(os, "add_dll_directory"):
        os.add_dll_directory(os.path.dirname(path))
    return path


def share_libca() -> None:
    """Lets pyepics open the same libca, where it comes later.

    The wheel of epicscorelibs has the library twice, as two files. A second copy binds
    to the symbols of the first but initialises them again, and the context that
    pyepics has made is lost to this package. pyepics asks the module changed here for
    the name of the file; the other leads to the same bytes.
    """
    info = module_named("epicscorelibs.lib.ca_dsoinfo")
    if os.name != "nt":
        vars(info)["filename"] = info.sofilename
