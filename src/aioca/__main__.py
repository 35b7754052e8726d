"""The command ``aioca``: EPICS' command line tools as ``aioca get`` and so on."""

from __future__ import annotations

import atexit
import os
import sys

from aioca import __version__

USAGE = """usage: aioca [-h] [-v] {get,put,monitor,info} ...

Channel Access from the command line. Each command has the options of EPICS' tool of
that kind; `aioca get -h` shows them.

  get        read PVs              (EPICS' caget)
  put        write a PV            (EPICS' caput)
  monitor    print each update     (EPICS' camonitor)
  info       describe PVs          (EPICS' cainfo)

  -h, --help     show this help
  -v, --version  show the version of aioca
"""


def main(arguments: list[str] | None = None) -> int:
    """Runs the command line and returns the exit status."""
    arguments = sys.argv[1:] if arguments is None else arguments
    if not arguments or arguments[0] in ("-h", "--help"):
        print(USAGE, end="")
        return 0
    if arguments[0] in ("-v", "--version"):
        print(__version__)
        return 0
    from aioca.tools.commands import COMMANDS, run
    from aioca.tools.options import Finished

    if arguments[0] not in COMMANDS:
        print(f"{USAGE}\naioca: no such command: '{arguments[0]}'", file=sys.stderr)
        return 2
    try:
        return run(arguments[0], arguments[1:])
    except Finished as finished:
        return finished.status
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        # What is still in the buffer goes nowhere, or the status would be Python's 120.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1


def program() -> None:
    """Runs the command line and ends the process.

    What has to be done at the end of a program is done, but the interpreter is not
    taken apart: that takes longer than all that a command does.
    """
    status = main()
    try:
        sys.stdout.flush()
        sys.stderr.flush()
        atexit._run_exitfuncs()  # noqa: SLF001
        sys.stdout.flush()
        sys.stderr.flush()
    except (OSError, ValueError):
        # Closed, or nowhere to write to: the interpreter has its way to say so.
        sys.exit(status)
    os._exit(status)


if __name__ == "__main__":
    program()
