r"""The lines of a state file: JSON, each with its checksum.

    {"pcaspy":"state","version":1,"saved":"2026-11-28T07:38:21.000000000Z","check":"…"}
    {"pv":"LAB:TEMP","type":"float","value":21.5,"time":"…","check":"…"}
    {"end":1,"check":"…"}

The check of a line is the CRC-32 of all that is ahead of it in the line; that of the
last line is the CRC-32 of all lines ahead of that line. Files of later versions begin
with the same line, so that an older program leaves them alone.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterable
from datetime import datetime, timezone
from functools import lru_cache
from typing import Any, NamedTuple

VERSION = 1
_FLIPPED = (3, 5, 9)  # what one flipped bit makes of it
FIRST = b'{"pcaspy":"state",'  # how each state file begins
_CHECK = b',"check":"%08x"}\n'
_CHECK_SIZE = len(_CHECK % 0) - 1  # without the end of the line
EPICS_EPOCH = 631_152_000  # 1990-01-01, in seconds since 1970
_MOST_SECONDS = 2**32 - 1
_MOST_NANOSECONDS = 999_999_999  # a program may set more

Entry = dict[str, Any]


class NewerVersionError(Exception):
    """The file is of a version that this program does not know."""


class Parsed(NamedTuple):
    """What is in a file."""

    lines: dict[str, bytes]  # by the PV's name; intact ones
    entries: dict[str, Entry]
    damaged: int | None  # lines that are not intact, of a damaged file; None: all are


# ---- writing ----


def sealed(text: str) -> bytes:
    """A line of an object whose text lacks the brace at its end."""
    data = text.encode()
    return data + _CHECK % zlib.crc32(data)


def whole(lines: Iterable[bytes], saved: str) -> bytes:
    """A file of these lines, saved at that time."""
    header = sealed(f'{{"pcaspy":"state","version":{VERSION},"saved":"{saved}"')
    all_lines = [header, *lines]
    data = b"".join(all_lines)
    return data + b'{"end":%d' % (len(all_lines) - 1) + _CHECK % zlib.crc32(data)


@lru_cache(1000)
def _second(seconds: int) -> str:
    then = datetime.fromtimestamp(seconds + EPICS_EPOCH, timezone.utc)
    return then.strftime("%Y-%m-%dT%H:%M:%S.")


def stamp_text(seconds: int, nanoseconds: int) -> str:
    """A time since EPICS' epoch, in UTC."""
    return f"{_second(seconds)}{min(nanoseconds, _MOST_NANOSECONDS):09d}Z"


@lru_cache(1000)
def _seconds(text: str) -> int:
    then = datetime.fromisoformat(text).replace(tzinfo=timezone.utc)
    return int(then.timestamp()) - EPICS_EPOCH


def stamp_of(text: Any) -> tuple[int, int]:
    """Seconds and nanoseconds of what `stamp_text` wrote.

    Raises:
        ValueError: It is no such text.
    """
    if not isinstance(text, str) or len(text) != 30 or text[19] + text[29] != ".Z":
        raise ValueError(f"{text!r} is no time")
    seconds, fraction = _seconds(text[:19]), text[20:29]
    if not 0 <= seconds <= _MOST_SECONDS or not fraction.isascii():
        raise ValueError(f"{text!r} is no time that EPICS can have")
    return seconds, int(fraction)


# ---- reading ----


def parse(data: bytes) -> Parsed:
    """What is in a file; of a damaged one, what is intact.

    Raises:
        NewerVersionError: It may be intact, but is of a version to come.
    """
    lines = data.split(b"\n")
    _look_at_version(lines[0])
    parsed = _parse_intact(data, lines)
    return _salvaged(lines) if parsed is None else parsed


def _look_at_version(line: bytes) -> None:
    version = header_version(line)
    if version is None or version <= VERSION:
        return
    old, new = (b'"version":%d,' % n for n in (VERSION, version))
    damaged = version in _FLIPPED and _is_intact(line.replace(new, old, 1))
    if _is_intact(line) or not damaged:
        raise NewerVersionError(f"it is of version {version}, not {VERSION}")


def header_version(line: bytes) -> int | None:
    """The version that the first line of a file gives; None if that is no such line."""
    entry = _decoded(line) if line.startswith(FIRST) else None
    version = entry.get("version") if entry is not None else None
    return version if type(version) is int else None


def _parse_intact(data: bytes, lines: list[bytes]) -> Parsed | None:
    """What is in a file that has all that was written; else None."""
    if len(lines) < 3 or lines[-1] or header_version(lines[0]) != VERSION:
        return None
    body, last = lines[1:-2], lines[-2]
    ahead = len(data) - len(last) - 1
    expected = b'{"end":%d' % len(body) + _CHECK % zlib.crc32(data[:ahead])
    if last + b"\n" != expected:
        return None
    try:
        entries = json.loads(b"[" + b",".join(body) + b"]")
        by_name = {entry["pv"]: entry for entry in entries}
        names = [entry["pv"] for entry in entries]
    except (ValueError, TypeError, KeyError, RecursionError):
        return None
    if len(names) != len(body) or not all(isinstance(name, str) for name in names):
        return None
    kept = {name: line + b"\n" for name, line in zip(names, body, strict=True)}
    return Parsed(kept, by_name, None)


def _salvaged(lines: list[bytes]) -> Parsed:
    """Each line alone; the last of a name counts."""
    kept: dict[str, bytes] = {}
    entries: dict[str, Entry] = {}
    damaged = 0
    for line in lines:
        entry = _decoded(line) if _is_intact(line) else None
        if entry is None:
            damaged += bool(line)
        elif isinstance(entry.get("pv"), str):
            kept[entry["pv"]], entries[entry["pv"]] = line + b"\n", entry
    return Parsed(kept, entries, damaged)


def _is_intact(line: bytes) -> bool:
    text = line[:-_CHECK_SIZE]
    return line[-_CHECK_SIZE:] + b"\n" == _CHECK % zlib.crc32(text)


def entry_of(line: bytes) -> Entry | None:
    """What an intact line of a PV has."""
    return _decoded(line)


def merged(
    before: bytes | None, ours: bytes | None, theirs: bytes | None
) -> bytes | None:
    """The line of a PV that two servers may have changed since it was `before`.

    If both have, it is the one whose value was set later.
    """
    if theirs == before or ours == theirs:
        return ours
    if ours is None or ours == before:
        return theirs
    if theirs is None:
        return ours
    try:
        mine, other = (
            stamp_of(json.loads(line).get("time")) for line in (ours, theirs)
        )
    except (ValueError, AttributeError, RecursionError):
        return ours
    return theirs if other > mine else ours


def _decoded(line: bytes) -> Entry | None:
    try:
        entry = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return entry if isinstance(entry, dict) else None
