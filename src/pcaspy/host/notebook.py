"""Cells of a notebook: in which run of a cell something was made.

A cell that makes a server is run again after a change. What the run before has made
still exists then, for the kernel keeps the process.
"""

from __future__ import annotations

import sys

TYPE_CHECKING = False  # typing takes long to import
if TYPE_CHECKING:
    from typing import Any


def run_of_cell() -> int | None:
    """The number of the run in progress of a cell in this process, an IPython kernel.

    None in all other programs, also where IPython is only imported or runs in a
    terminal.
    """
    ipython = sys.modules.get("IPython")
    get_ipython = getattr(ipython, "get_ipython", None)
    shell: Any = None if get_ipython is None else get_ipython()
    if getattr(shell, "kernel", None) is None:
        return None
    return int(shell.execution_count)
