"""What a file says is to be served: a prefix, a pvdb and, in Python, drivers.

`read` takes a .py, .yaml, .yml or .json file and looks it over with the same checks as
`SimpleServer.createPV`; what is wrong is told with file and line.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from . import pvdb
from .driver import Driver
from .pv import SimplePV

__all__ = ["Definition", "DefinitionError", "hints", "read"]

#: The line of a PV (its key alone), of one of its fields (key, field), and of the pvdb
#: (an empty key).
Lines = Mapping[tuple[Any, ...], int]

#: Changes when a file does: time of modification and size.
Stamp = tuple[int, int]

_FIELDS = list(pvdb.PVSpec.__annotations__)
_FIELD_IN_ERROR = re.compile(r": field '(\w+)' ")


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


def read(path: Path, prefix: str | None = None) -> Definition:
    """The contents of a file, all of which can be served.

    Args:
        path: The file; its suffix says what is in it.
        prefix: Goes before the PVs' names instead of what the file says.

    Raises:
        DefinitionError: It cannot be served.
    """
    definition = _load(path, prefix)
    found = list(_problems(definition))
    if found:
        raise DefinitionError("\n".join(found))
    return definition


def _load(path: Path, prefix: str | None) -> Definition:
    reader = _reader(path)
    stamp = stamp_of(path)
    try:
        found = reader(path)
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise failure(path, 0, f"cannot be read: {reason}") from None
    found.stamp = stamp
    if prefix is not None:
        found.prefix = prefix
    if not isinstance(found.prefix, str):
        text = f"the prefix is {found.prefix!r}, allowed is a str"
        raise failure(path, 0, text)
    if not isinstance(found.pvdb, Mapping):
        raise DefinitionError(found.at("the pvdb is no table of PVs and their fields"))
    return found


def _reader(path: Path) -> Callable[[Path], Definition]:
    # Imported here: a YAML file needs no Python loader and the other way round.
    if path.suffix == ".py":
        from .definition_module import load_module

        return load_module
    from .definition_text import load_json, load_yaml

    readers = {".json": load_json, ".yaml": load_yaml, ".yml": load_yaml}
    if path.suffix not in readers:
        raise failure(path, 0, "the name must end in .py, .yaml, .yml or .json")
    return readers[path.suffix]


def _problems(definition: Definition) -> Iterator[str]:
    """Everything that `createPV` would refuse, in the order of the file."""
    if not definition.pvdb:
        yield definition.at("there are no PVs")
    for reason, spec in definition.pvdb.items():
        try:
            for info in pvdb.parse(definition.prefix, {reason: spec}):
                SimplePV(info.name, info)
        except ValueError as error:
            found = _FIELD_IN_ERROR.search(str(error))
            name = found[1] if found else ""
            yield definition.at(str(error), reason, name)


def hints(definition: Definition) -> Iterator[str]:
    """Fields that have no effect, and what may have been meant."""
    for reason, spec in definition.pvdb.items():
        for name in spec if isinstance(spec, Mapping) else ():
            if name not in _FIELDS:
                close = difflib.get_close_matches(str(name), _FIELDS, n=1)
                meant = f", did you mean {close[0]!r}?" if close else ""
                text = f"PV {reason!r}: field {name!r} has no effect{meant}"
                yield definition.at(text, reason, name)
