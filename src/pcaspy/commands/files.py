"""What the commands that take the file of a server have in common."""

from __future__ import annotations

import argparse
import logging
from pathlib import Path

from ..service.definition import Definition


def add_file(parser: argparse.ArgumentParser) -> None:
    """The file, and what of it is served under which names."""
    parser.add_argument("file", type=Path)
    parser.add_argument("--prefix", help="goes before each name, not the file's")
    parser.add_argument("--list", action="store_true", help="print the names")


def print_names(definition: Definition) -> None:
    """The full name of each PV."""
    for reason in definition.pvdb:
        print(definition.prefix + reason)


def leave_hints_to_us() -> None:
    """Reports unknown fields here, with their lines."""
    logging.getLogger("pcaspy.pvdb.unknown").setLevel(logging.ERROR)
