"""``pcaspy flags``: what a driver in C++ is compiled and linked with."""

from __future__ import annotations

import argparse
import shlex

HELP = "print what a driver in C++ is compiled and linked with"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Which of the two."""
    only = parser.add_mutually_exclusive_group()
    only.add_argument("--compile", action="store_true", help="only the compiler's")
    only.add_argument("--link", action="store_true", help="only the linker's")


def run(options: argparse.Namespace) -> None:
    """Prints them."""
    # What it asks of epicscorelibs takes long: only where it is asked for.
    from ..service.flags import compile_flags, link_flags

    made = [] if options.link else compile_flags()
    made += [] if options.compile else link_flags()
    print(shlex.join(made))
