"""The command ``pcaspy``: serves the PVs that a file defines, and tools for it."""

from __future__ import annotations

import argparse
import io
import sys
from collections.abc import Sequence

from . import __version__
from .commands import COMMANDS
from .service.definition import DefinitionError


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
        cannot be used, 2 if the arguments are wrong.
    """
    options = command_line().parse_args(arguments)
    if isinstance(sys.stdout, io.TextIOWrapper) and sys.stdout.errors == "strict":
        # Names and labels may have characters that the terminal does not have.
        sys.stdout.reconfigure(errors="backslashreplace")
    try:
        COMMANDS[options.command].run(options)
    except (DefinitionError, ImportError, OSError) as error:
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 0
    return 0


if __name__ == "__main__":
    sys.exit(main())
