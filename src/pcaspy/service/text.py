"""Definitions as YAML and JSON, read so that each PV and field knows its line.

The file is a table with the keys `prefix`, `pvdb` and `templates`.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from .definition import Definition, failure
from .json_text import parse_json
from .table import Table
from .templates import add_instances, allowed

_KEYS = ("prefix", "pvdb", "templates")


def _definition(path: Path, contents: Any) -> Definition:
    if not isinstance(contents, Table):
        raise failure(path, 1, f"there must be a table with {allowed(_KEYS)}")
    for key in contents:
        if key not in _KEYS:
            text = f"{key!r} is unknown, allowed are {allowed(_KEYS)}"
            raise failure(path, contents.lines[key], text)
    if "pvdb" not in contents and "templates" not in contents:
        raise failure(path, 1, "there is no 'pvdb' and no 'templates'")
    first = "pvdb" if "pvdb" in contents else "templates"
    entries = contents.get("pvdb", Table())
    lines: dict[tuple[Any, ...], int] = {("",): contents.lines[first]}
    if isinstance(entries, Table):
        for reason, spec in entries.items():
            lines[(reason,)] = entries.lines[reason]
            if isinstance(spec, Table):
                for name, line in spec.lines.items():
                    lines[(reason, name)] = line
            elif spec is None:
                entries[reason] = {}  # in YAML, a PV with nothing behind it
        if "templates" in contents:
            add_instances(path, contents, entries, lines)
    return Definition(path, contents.get("prefix", ""), entries, {}, lines)


def load_json(path: Path) -> Definition:
    """Reads a JSON file.

    Raises:
        DefinitionError: It is no JSON, or no definition.
    """
    try:
        contents = parse_json(path.read_text(encoding="utf-8-sig"))
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
        if "mapping values are not allowed" in text:
            text += "; a text that ends with a colon needs quotes"
        raise failure(path, mark.line + 1 if mark else 0, text) from None
    return _definition(path, contents)
