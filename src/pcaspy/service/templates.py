"""PVs that are alike: the templates of a definition and the instances made of them.

A template has a `pvdb` with parameters in braces in the names and values, and
`instances`: tables that give the parameters their values. A list of values, or a range
such as ``1..20``, makes an instance with each; several of them, with each combination.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Any

from .definition import DefinitionError, failure
from .table import Table

MOST_INSTANCES = 100_000  # of a template
KEYS = ("pvdb", "instances")
_BRACES = re.compile(r"\{\{|\}\}|\{(\w+)\}|[{}]")
_RANGE = re.compile(r"(-?\d+)\.\.(-?\d+)")
_VALUES = "a text, a number, a list of them, or a range such as 1..20"

Lines = dict[tuple[Any, ...], int]


def allowed(names: Collection[str]) -> str:
    """Names in words: 'a', 'b' and 'c'."""
    *first, last = map(repr, names)
    return f"{', '.join(first)} and {last}" if first else last


def add_instances(path: Path, contents: Table, entries: Table, lines: Lines) -> None:
    """Adds the PVs that ``contents["templates"]`` describes to a pvdb.

    Args:
        path: The file, for errors.
        contents: All that is in the file.
        entries: The pvdb.
        lines: Gets the lines of the new PVs.

    Raises:
        DefinitionError: A template is wrong.
    """
    templates = contents["templates"]
    if not isinstance(templates, Table):
        line = contents.lines["templates"]
        raise failure(path, line, "'templates' must be a table of templates by name")
    for name, template in templates.items():
        made = _Template(path, name, template, templates.lines[name])
        for instance in made.instances():
            made.add(instance, entries, lines)


class _Template:
    """One template. `line` is that of its name."""

    def __init__(self, path: Path, name: Any, contents: Any, line: int) -> None:
        self._path = path
        self._name = name
        self._line = line
        if not isinstance(contents, Table):
            raise self._wrong(line, f"must be a table with {allowed(KEYS)}")
        for key in contents:
            if key not in KEYS:
                text = f"{key!r} is unknown, allowed are {allowed(KEYS)}"
                raise self._wrong(contents.lines[key], text)
        for key in KEYS:
            if key not in contents:
                raise self._wrong(line, f"there is no {key!r}")
        self._instances = contents["instances"]
        self._instances_line = contents.lines["instances"]
        self._pvdb = contents["pvdb"]
        if not isinstance(self._pvdb, Table):
            text = "'pvdb' must be a table of PVs and their fields"
            raise self._wrong(contents.lines["pvdb"], text)
        self._used: set[str] = set()
        self._find_used(self._pvdb)

    def _wrong(self, line: int, text: str) -> DefinitionError:
        return failure(self._path, line, f"template {self._name!r}: {text}")

    def _find_used(self, value: Any) -> None:
        """Notes the parameters in `value`."""
        if isinstance(value, str):
            found = _BRACES.finditer(value)
            self._used.update(match[1] for match in found if match[1])
        elif isinstance(value, Mapping):
            for part in (*value.keys(), *value.values()):
                self._find_used(part)
        elif isinstance(value, list):
            for part in value:
                self._find_used(part)

    # ---- instances ----

    def instances(self) -> Iterator[dict[str, Any]]:
        """The parameters of each instance."""
        listed = self._instances
        if not isinstance(listed, list):
            listed = [listed]
        count = 0
        for given in listed:
            if not isinstance(given, Table) or not given:
                text = f"an instance is {given!r}, allowed is a table of parameters"
                raise self._wrong(self._instances_line, text)
            values = [
                self._values(name, value, given.lines[name])
                for name, value in given.items()
            ]
            for chosen in itertools.product(*values):
                count += 1
                if count > MOST_INSTANCES:
                    text = f"more than {MOST_INSTANCES} instances"
                    raise self._wrong(self._instances_line, text)
                yield dict(zip(given, chosen, strict=True))

    def _values(self, name: Any, given: Any, line: int) -> list[Any]:
        """All values that a parameter has one after the other."""
        if name not in self._used:
            text = f"parameter {name!r} is in no name and no value"
            if self._used:
                text += f", there {_are(self._used)}"
            raise self._wrong(line, text)
        limits = _RANGE.fullmatch(given) if isinstance(given, str) else None
        if limits is not None:
            values = _range(limits[1], limits[2])
        else:
            values = given if isinstance(given, list) else [given]
        if not values or not all(isinstance(v, str | int | float) for v in values):
            text = f"parameter {name!r} is {given!r}, allowed is {_VALUES}"
            raise self._wrong(line, text)
        return values

    # ---- PVs ----

    def add(self, instance: dict[str, Any], entries: Table, lines: Lines) -> None:
        """The PVs of one instance."""
        for name, spec in self._pvdb.items():
            line = self._pvdb.lines[name]
            reason = name
            if isinstance(name, str):
                reason = str(self._filled(name, instance, line))
            if reason in entries:
                text = f"PV {reason!r} is there already: names of instances must differ"
                raise self._wrong(line, text)
            lines[(reason,)] = line
            entries.lines[reason] = line
            entries[reason] = self._fields(reason, spec, instance, lines)

    def _fields(
        self, reason: Any, spec: Any, instance: dict[str, Any], lines: Lines
    ) -> Any:
        if spec is None:
            return {}
        if not isinstance(spec, Table):
            return spec  # what is wrong with it is said as for any PV
        for field, line in spec.lines.items():
            lines[(reason, field)] = line
        return {
            field: self._filled(value, instance, spec.lines[field])
            for field, value in spec.items()
        }

    def _filled(self, value: Any, instance: dict[str, Any], line: int) -> Any:
        """`value` with parameters put in; a text that is one parameter is its value."""
        if isinstance(value, list):
            return [self._filled(part, instance, line) for part in value]
        if isinstance(value, Table) and list(value.values()) == [None]:
            (name,) = value  # braces in YAML
            raise self._wrong(line, f'{{{name}}} needs quotes: "{{{name}}}"')
        if not isinstance(value, str):
            return value
        whole = _BRACES.fullmatch(value)
        if whole is not None and whole[1]:
            return self._parameter(whole[1], instance, line)

        def put_in(match: re.Match[str]) -> str:
            if match[1]:
                return str(self._parameter(match[1], instance, line))
            if len(match[0]) == 1:
                text = f"{match[0]!r} in {value!r} belongs to no parameter: write it"
                raise self._wrong(line, f"{text} twice, {2 * match[0]!r}")
            return match[0][0]

        return _BRACES.sub(put_in, value)

    def _parameter(self, name: str, instance: dict[str, Any], line: int) -> Any:
        if name not in instance:
            there = _are(instance)
            text = f"an instance has no parameter {name!r}, there {there}"
            raise self._wrong(line, text)
        return instance[name]


def _are(names: Collection[str]) -> str:
    """The names there are, with the verb."""
    return f"{'is' if len(names) == 1 else 'are'} {allowed(sorted(names))}"


def _range(first: str, last: str) -> list[int | str]:
    """The numbers of a range; with leading zeros as in `first`."""
    numbers = range(int(first), min(int(last), int(first) + MOST_INSTANCES) + 1)
    if first.startswith("0") and len(first) > 1:
        return [f"{number:0{len(first)}d}" for number in numbers]
    return list(numbers)
