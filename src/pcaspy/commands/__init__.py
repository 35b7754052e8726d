"""The commands of ``pcaspy``: a module each, with HELP, add_arguments() and run().

A module imports what takes long, and what an extra brings, in run(): each command
builds the parser of all of them.
"""

from __future__ import annotations

import argparse
from typing import Protocol

from . import (
    check,
    clients,
    flags,
    metrics,
    misses,
    schema,
    serve,
    servers,
    slow,
    snoop,
    state,
    stats,
    top,
)


class Command(Protocol):
    """What such a module has."""

    @property
    def HELP(self) -> str:
        """One line for the list of commands."""
        ...

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """Adds the arguments of the command."""

    def run(self, options: argparse.Namespace) -> None:
        """Carries it out.

        Raises:
            OSError, ImportError, DefinitionError: The shell gets 1 and the message.
        """


COMMANDS: dict[str, Command] = {
    "serve": serve,
    "check": check,
    "schema": schema,
    "flags": flags,
    "list": servers,
    "top": top,
    "stats": stats,
    "clients": clients,
    "slow": slow,
    "misses": misses,
    "metrics": metrics,
    "state": state,
    "snoop": snoop,
}
