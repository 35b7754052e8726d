"""``pcaspy check``: only looks whether the PVs of a file could be served."""

from __future__ import annotations

import argparse
import logging
import sys

from ..service.definition import hints
from ..service.read import read
from .files import add_file, leave_hints_to_us, print_names

HELP = "only look whether they could be served"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The file, as for ``serve``."""
    add_file(parser)


def run(options: argparse.Namespace) -> None:
    """Prints what is wrong, or how many PVs there are."""
    logging.basicConfig(format="%(message)s")
    leave_hints_to_us()
    definition = read(options.file, options.prefix)
    for hint in hints(definition):
        print(hint, file=sys.stderr)
    if options.list:
        print_names(definition)
    else:
        print(f"{options.file}: {len(definition.pvdb)} PVs")
