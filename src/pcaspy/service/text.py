"""Definitions as YAML and JSON, read so that each PV and field knows its line.

The file is a table with the keys `prefix` and `pvdb`.
"""

from __future__ import annotations

import json
import re
from json.decoder import scanstring  # type: ignore[attr-defined]
from json.scanner import py_make_scanner  # type: ignore[attr-defined]
from pathlib import Path
from typing import Any

from .definition import Definition, failure

_KEYS = ("prefix", "pvdb")


class Table(dict[Any, Any]):
    """A mapping of the file; `lines` has the line of each key."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: dict[Any, int] = {}


def _definition(path: Path, contents: Any) -> Definition:
    if not isinstance(contents, Table):
        raise failure(path, 1, "there must be a table with 'prefix' and 'pvdb'")
    for key in contents:
        if key not in _KEYS:
            text = f"{key!r} is unknown, allowed are 'prefix' and 'pvdb'"
            raise failure(path, contents.lines[key], text)
    if "pvdb" not in contents:
        raise failure(path, 1, "there is no 'pvdb'")
    entries = contents["pvdb"]
    lines: dict[tuple[Any, ...], int] = {("",): contents.lines["pvdb"]}
    if isinstance(entries, Table):
        for reason, spec in entries.items():
            lines[(reason,)] = entries.lines[reason]
            if isinstance(spec, Table):
                for name, line in spec.lines.items():
                    lines[(reason, name)] = line
            elif spec is None:
                entries[reason] = {}  # in YAML, a PV with nothing behind it
    return Definition(path, contents.get("prefix", ""), entries, {}, lines)


# ---- JSON ----------------------------------------------------------------------------


class _Decoder(json.JSONDecoder):
    """The decoder of the standard library, with objects that become a Table."""

    def __init__(self) -> None:
        super().__init__()
        self.parse_object = self._object
        self.scan_once = py_make_scanner(self)

    def _object(
        self, start: tuple[str, int], strict: bool, scan_once: Any, *_: Any
    ) -> tuple[Table, int]:
        """The object whose contents begin at ``start[1]``, and where it ends."""
        text, at = start
        table = Table()
        at = _skip_space(text, at)
        if text[at : at + 1] == "}":
            return table, at + 1
        while True:
            if text[at : at + 1] != '"':
                raise json.JSONDecodeError("a name in double quotes must be", text, at)
            line = text.count("\n", 0, at) + 1
            key, end = scanstring(text, at + 1, strict)
            end = _expect(text, end, ":")
            try:
                value, end = scan_once(text, end)
            except StopIteration as error:
                raise json.JSONDecodeError(
                    "a value must be", text, error.value
                ) from None
            if key in table:
                raise json.JSONDecodeError(f"{key!r} is twice", text, at)
            table[key] = value
            table.lines[key] = line
            end = _skip_space(text, end)
            if text[end : end + 1] == "}":
                return table, end + 1
            at = _expect(text, end, ",")


def _skip_space(text: str, at: int) -> int:
    while text[at : at + 1] in {" ", "\t", "\n", "\r"}:
        at += 1
    return at


def _expect(text: str, at: int, sign: str) -> int:
    """Where the text after `sign` begins."""
    at = _skip_space(text, at)
    if text[at : at + 1] != sign:
        raise json.JSONDecodeError(f"a {sign!r} must be", text, at)
    return _skip_space(text, at + 1)


def load_json(path: Path) -> Definition:
    """Reads a JSON file.

    Raises:
        DefinitionError: It is no JSON, or no definition.
    """
    try:
        contents = _Decoder().decode(path.read_text(encoding="utf-8"))
    except json.JSONDecodeError as error:
        text = f"{error.msg} here (column {error.colno})"
        raise failure(path, error.lineno, text) from None
    return _definition(path, contents)


# ---- YAML ----------------------------------------------------------------------------

# Plain words mean what YAML 1.2 says: On, Off, Yes and No are text, 1e-3 is a number.
_YAML_WORDS = {
    "bool": (r"true|True|TRUE|false|False|FALSE", "tTfF"),
    "null": (r"~|null|Null|NULL|", ["~", "n", "N", ""]),
    "int": (r"[-+]?[0-9]+|0x[0-9a-fA-F]+", "-+0123456789"),
    "float": (
        r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?"
        r"|[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)",
        "-+.0123456789",
    ),
}
_YAML_MERGE = "tag:yaml.org,2002:merge"


def _yaml_loader() -> Any:
    import yaml

    class Loader(yaml.SafeLoader):
        yaml_implicit_resolvers: dict[str, list[Any]] = {}  # noqa: RUF012

    def wrong(text: str, node: Any) -> Exception:
        place = (None, None, text, node.start_mark)
        error: Exception = yaml.constructor.ConstructorError(*place)
        return error

    def table(loader: Any, node: Any) -> Table:
        own: set[str] = set()
        for key, _ in node.value:
            if not isinstance(key, yaml.ScalarNode):
                raise wrong("a name must be here", key)
            if key.value in own:
                raise wrong(f"{key.value!r} is twice", key)
            own.add(key.value)
        loader.flatten_mapping(node)  # what is merged in comes first
        made = Table()
        for key_node, value_node in node.value:
            key = loader.construct_object(key_node)
            made[key] = loader.construct_object(value_node, deep=True)
            made.lines[key] = key_node.start_mark.line + 1
        return made

    def integer(loader: Any, node: Any) -> int:
        text = loader.construct_scalar(node)
        return int(text, 16) if text.startswith("0x") else int(text)

    for name, (words, first) in _YAML_WORDS.items():
        pattern = re.compile(f"^(?:{words})$")
        Loader.add_implicit_resolver(f"tag:yaml.org,2002:{name}", pattern, list(first))
    Loader.add_implicit_resolver(_YAML_MERGE, re.compile("^<<$"), ["<"])
    Loader.add_constructor("tag:yaml.org,2002:map", table)
    Loader.add_constructor("tag:yaml.org,2002:int", integer)
    return Loader


def load_yaml(path: Path) -> Definition:
    """Reads a YAML file.

    Raises:
        DefinitionError: It is no YAML, or no definition, or PyYAML is not there.
    """
    try:
        import yaml
    except ImportError:
        text = "reading YAML needs PyYAML: pip install pcaspy[yaml]"
        raise failure(path, 0, text) from None
    try:
        with path.open(encoding="utf-8") as file:
            contents = yaml.load(file, Loader=_yaml_loader())
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        text = getattr(error, "problem", None) or str(error)
        raise failure(path, mark.line + 1 if mark else 0, text) from None
    return _definition(path, contents)
