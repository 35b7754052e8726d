"""What the commands that ask a running server have in common."""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Iterable, Sequence
from typing import Any

from ..control.client import Control, ControlError, Found, find


def add_server(parser: argparse.ArgumentParser) -> None:
    """Which server."""
    parser.add_argument(
        "server",
        nargs="?",
        metavar="PID|NAME",
        help="its PID or name, as pcaspy list has them; optional if there is one",
    )


def add_json(parser: argparse.ArgumentParser) -> None:
    """In which form."""
    parser.add_argument("--json", action="store_true", help="print the answer in JSON")


def chosen(options: argparse.Namespace) -> Found:
    """The server that is meant.

    Raises:
        OSError: There is none, or several.
    """
    try:
        return find(options.server)
    except LookupError as error:
        raise OSError(*error.args) from error


def ask(server: Found, do: str, **arguments: Any) -> dict[str, Any]:
    """A server's answer to one request.

    Raises:
        OSError: It has ended, or refuses.
    """
    try:
        with Control(server.path) as control:
            return control.ask(do, **arguments)
    except ControlError as error:
        raise OSError(str(error)) from error


def print_json(answer: Any) -> None:
    """For programs."""
    json.dump(answer, sys.stdout, indent=2)
    print()


def print_table(titles: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """For people: what is a number in the first row stands on the right."""
    lines = [list(titles)]
    right = [False] * len(titles)
    for row in rows:
        if len(lines) == 1:
            right = [isinstance(item, int | float) for item in row]
        lines.append(["-" if item is None else shown(item) for item in row])
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    for line in lines:
        cells = [
            text.rjust(width) if at_right else text.ljust(width)
            for text, width, at_right in zip(line, widths, right, strict=True)
        ]
        print("  ".join(cells).rstrip())


def shown(item: Any) -> str:
    """As a table has it; a text without what could confuse a terminal."""
    if isinstance(item, float):
        return f"{item:.2f}"
    return "".join(c if c.isprintable() else "?" for c in str(item))


def ago(then: float) -> str:
    """How long ago a time was."""
    seconds = max(int(time.time() - then), 0)
    for size, unit in ((86400, "d"), (3600, "h"), (60, "min")):
        if seconds >= size:
            return f"{seconds / size:.1f} {unit}"
    return f"{seconds} s"
