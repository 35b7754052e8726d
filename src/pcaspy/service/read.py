"""Reads a file and looks it over with the same checks as `SimpleServer.createPV`."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from ..served.pv import SimplePV
from ..served.pvdb import parse
from .definition import Definition, DefinitionError, failure, stamp_of
from .module import load_module
from .text import load_json, load_yaml

_READERS: dict[str, Callable[[Path], Definition]] = {
    ".py": load_module,
    ".json": load_json,
    ".yaml": load_yaml,
    ".yml": load_yaml,
}
_FIELD_IN_ERROR = re.compile(r": field '(\w+)' ")


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
        raise DefinitionError(
            found.at("'pvdb' must be a table of PVs and their fields")
        )
    return found


def _reader(path: Path) -> Callable[[Path], Definition]:
    if path.suffix not in _READERS:
        raise failure(path, 0, "the name must end in .py, .yaml, .yml or .json")
    return _READERS[path.suffix]


def _problems(definition: Definition) -> Iterator[str]:
    """Everything that `createPV` would refuse, in the order of the file."""
    if not definition.pvdb:
        yield definition.at("there are no PVs")
    for reason, spec in definition.pvdb.items():
        try:
            for info in parse(definition.prefix, {reason: spec}):
                SimplePV(info.name, info)
        except ValueError as error:
            found = _FIELD_IN_ERROR.search(str(error))
            name = found[1] if found else ""
            yield definition.at(str(error), reason, name)
