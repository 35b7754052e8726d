"""The command ``pcaspy``: serves the PVs that a file defines, and tools for it."""

from __future__ import annotations

import argparse
import io
import os
import sys
from collections.abc import Sequence

from . import __version__
from .commands import COMMANDS
from .service.definition import DefinitionError

# A server does not end without a word because nobody reads what it prints.
_SERVERS = {"serve"}


def command_line() -> argparse.ArgumentParser:
    """The parser of the arguments."""
    parser = argparse.ArgumentParser(prog="pcaspy", description=__doc__)
    parser.add_argument("--version", action="version", version=__version__)
    commands = parser.add_subparsers(dest="command", required=True)
    for name, command in COMMANDS.items():
        command.add_arguments(commands.add_parser(name, help=command.HELP))
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command.

    Returns:
        What the shell gets: 0 also after Ctrl-C and SIGTERM, 1 if the file or the port
        cannot be used or the reader of the output has enough, 2 if the arguments are
        wrong.
    """
    options = command_line().parse_args(arguments)
    if isinstance(sys.stdout, io.TextIOWrapper) and sys.stdout.errors == "strict":
        # Names and labels may have characters that the terminal does not have.
        sys.stdout.reconfigure(errors="backslashreplace")
    try:
        COMMANDS[options.command].run(options)
        if sys.stdout is not None:
            sys.stdout.flush()
    except BrokenPipeError as error:
        if options.command in _SERVERS:
            print(error, file=sys.stderr)
        if sys.stdout is not None:
            # What is in its buffer goes nowhere, or the status would be Python's 120.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except (DefinitionError, ImportError, OSError) as error:
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 0
    return 0


if __name__ == "__main__":
    sys.exit(main())
