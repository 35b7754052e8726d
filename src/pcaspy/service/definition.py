"""What a file says is to be served: a prefix, a pvdb and, in Python, drivers.

Errors name file and line.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..driver import Driver
from ..served.pvdb import no_effect
from ..served.pvdb_types import PVSpec

#: The line of a PV (its key alone), of one of its fields (key, field), and of the pvdb
#: (an empty key).
Lines = Mapping[tuple[Any, ...], int]

#: Changes when a file does: time of modification and size.
Stamp = tuple[int, int]

_FIELDS = list(PVSpec.__annotations__)


class DefinitionError(Exception):
    """A file cannot be served. The text has one line for each reason."""


def failure(path: Path, line: int, text: str) -> DefinitionError:
    """One thing that is wrong in a file; `line` is 0 if that is not known."""
    return DefinitionError(located(path, line, text))


def located(path: Path, line: int, text: str) -> str:
    """The text behind the place, as compilers write it."""
    return f"{path}:{line}: {text}" if line else f"{path}: {text}"


@dataclass
class Definition:
    """The contents of a file: what `createPV` takes, and the classes of drivers."""

    path: Path
    prefix: str = ""
    pvdb: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    drivers: Mapping[str, type[Driver]] = field(default_factory=dict)  # by port
    lines: Lines = field(default_factory=dict)
    stamp: Stamp | None = None  # of the file as it was read

    def at(self, text: str, reason: Any = "", name: str = "") -> str:
        """The text with the line of a field, else of its PV, else of the pvdb."""
        places: list[tuple[Any, ...]] = [(reason, name), (reason,), ("",)]
        found = (self.lines[place] for place in places if place in self.lines)
        return located(self.path, next(found, 0), text)

    def ports(self) -> set[str]:
        """The ports that PVs are on."""
        return {spec.get("port", "default") for spec in self.pvdb.values()}


def stamp_of(path: Path) -> Stamp | None:
    """The stamp of a file; None if it is not there."""
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_mtime_ns, status.st_size


def hints(definition: Definition) -> Iterator[str]:
    """Fields that have no effect, and what may have been meant."""
    for reason, spec in definition.pvdb.items():
        for name in spec if isinstance(spec, Mapping) else ():
            if name not in _FIELDS:
                text = f"PV {reason!r}: {no_effect(name)}"
                yield definition.at(text, reason, name)
