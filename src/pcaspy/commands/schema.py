"""``pcaspy schema``: the JSON Schema of files that ``serve`` takes."""

from __future__ import annotations

import argparse
import json

from ..service.schema import schema

HELP = "print the JSON Schema of such files, for editors"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """There are none."""


def run(options: argparse.Namespace) -> None:
    """Prints it."""
    print(json.dumps(schema(), indent=2))
