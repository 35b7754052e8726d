"""Sizes of long tests: small in `make test`, full in `make reliability`."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TypeVar

T = TypeVar("T")
LONG = os.environ.get("PCASPY_RELIABILITY") == "long"
FIGURES = Path(__file__).parents[2] / "build" / "reliability.txt"


def scaled(short: T, long: T) -> T:
    """What to use in this run."""
    return long if LONG else short


def report(line: str) -> None:
    """A figure that was measured; the long run collects them."""
    print(line)
    if LONG:
        FIGURES.parent.mkdir(exist_ok=True)
        with FIGURES.open("a") as file:
            file.write(line + "\n")
