"""``pcaspy state``: shows and changes a file of saved values."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ..state.file import Contents, StateFile
    from ..state.format import Entry

HELP = "show and change saved values"

_WIDEST = 50  # characters of a value in the table


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The file, and what is wanted of it."""
    parser.add_argument("file")
    parser.add_argument(
        "names",
        nargs="*",
        metavar="NAME[=VALUE]",
        help="show these PVs only, with * and ?; or give them these values",
    )
    parser.add_argument(
        "--remove",
        action="append",
        default=[],
        metavar="NAME",
        help="forget this PV; with * and ?, all like it",
    )
    parser.add_argument("--json", action="store_true", help="print JSON, all in full")


def run(options: argparse.Namespace) -> None:
    """Prints the values, or changes them.

    Raises:
        OSError: The file cannot be used, or has no such PV or value. Nothing is changed
            then.
    """
    from ..state.file import StateFile

    file = StateFile(options.file)
    if not file.exists():
        raise OSError(f"{file.path} does not exist")
    changes, names = _split(options.names)
    if changes or options.remove:
        if names:
            raise OSError(f"{names[0]!r} has no value: nothing is changed")
        _change(file, changes, options.remove)
    else:
        _show(file, names, options.json)


def _split(given: Iterable[str]) -> tuple[list[tuple[str, str]], list[str]]:
    changes: list[tuple[str, str]] = []
    names: list[str] = []
    for text in given:
        name, sign, value = text.partition("=")
        if sign:
            changes.append((name, value))
        else:
            names.append(text)
    return changes, names


def _load(file: StateFile) -> Contents:
    from ..state.file import UnusableError

    try:
        contents = file.load()
    except UnusableError as error:
        raise OSError(f"{file.path} {error}") from None
    for note in contents.notes:
        print(f"{file.path} {note}", file=sys.stderr)
    return contents


def _chosen(path: str, contents: Contents, patterns: Iterable[str]) -> list[str]:
    """The names that fit the patterns, each of which has to fit one."""
    from ..state.groups import compiled

    chosen: dict[str, None] = {}
    for pattern in patterns:
        fits = compiled(pattern).fullmatch
        found = [name for name in contents.lines if name == pattern or fits(name)]
        if not found:
            raise OSError(f"{path} has no PV {pattern!r}")
        chosen.update(dict.fromkeys(found))
    return sorted(chosen)


# ---- change ----


def _change(
    file: StateFile, changes: list[tuple[str, str]], removed: list[str]
) -> None:
    from ..state.edit import changed_line
    from ..state.lock import BusyError

    try:
        file.lock.acquire()
    except BusyError as error:
        raise OSError(f"{file.path} is in use: {error} saves to it") from None
    try:
        contents = _load(file)
        lines = dict(contents.lines)
        for name in _chosen(file.path, contents, removed):
            del lines[name]
        for name, text in changes:
            if name not in lines:
                raise OSError(f"{file.path} has no PV {name!r}")
            try:
                lines[name] = changed_line(contents.entries[name], text)
            except (ValueError, KeyError, TypeError) as error:
                raise OSError(f"PV {name}: {error}") from None
        notes = file.write(lines[name] for name in sorted(lines))
    finally:
        file.lock.release()
    for note in notes:
        print(f"{file.path}: {note}", file=sys.stderr)


# ---- show ----


def _show(file: StateFile, patterns: list[str], as_json: bool) -> None:
    contents = _load(file)
    names = sorted(contents.lines)
    if patterns:
        names = _chosen(file.path, contents, patterns)
    entries = [contents.entries[name] for name in names]
    if as_json:
        print(json.dumps([_as_json(entry) for entry in entries], indent=2))
    else:
        _print_table([_row(entry) for entry in entries])


def _as_json(entry: Entry) -> dict[str, Any]:
    shown = {key: entry.get(key) for key in ("pv", "type", "value", "time")}
    shown.update({key: entry[key] for key in ("labels", "count") if key in entry})
    try:
        from ..state.edit import plain_value

        shown["value"] = plain_value(entry)
    except ValueError as error:
        print(f"PV {entry['pv']}: {error}", file=sys.stderr)
    return shown


def _row(entry: Entry) -> tuple[str, ...]:
    shown = _as_json(entry)
    value = shown["value"]
    text = value if "labels" in shown and isinstance(value, str) else json.dumps(value)
    if len(text) > _WIDEST:
        size = f" ({len(value)})" if isinstance(value, list) else ""
        text = text[:_WIDEST] + "..." + size
    return shown["pv"], text, str(shown["type"]), str(shown["time"])


def _print_table(rows: list[tuple[str, ...]]) -> None:
    rows = [("NAME", "VALUE", "TYPE", "TIME"), *rows]
    widths = [max(len(row[column]) for row in rows) for column in range(3)]
    for row in rows:
        cells = [cell.ljust(width) for cell, width in zip(row, widths, strict=False)]
        print("  ".join([*cells, row[3]]))
