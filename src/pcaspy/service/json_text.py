"""JSON, read so that each name knows its line.

Objects and lists are read here; texts, numbers and words by the standard library.
"""

from __future__ import annotations

import json
from bisect import bisect_left
from typing import Any

from .table import Table

_SPACE = " \t\n\r"
_scalars = json.JSONDecoder()


def parse_json(text: str) -> Any:
    """What a text says; objects become a `Table`.

    Raises:
        json.JSONDecodeError: It is no JSON, or a name is twice in an object.
    """
    try:
        return _Reader(text).document()
    except RecursionError:
        raise json.JSONDecodeError("too many levels are", text, 0) from None


class _Reader:
    """Reads at `at`, and moves on behind what it has read."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0
        self._line_ends = [at for at, sign in enumerate(text) if sign == "\n"]

    def document(self) -> Any:
        value = self._value()
        self._skip_space()
        if self._at < len(self._text):
            raise self._wrong("nothing more may be")
        return value

    def _value(self) -> Any:
        self._skip_space()
        sign = self._next()
        if sign == "{":
            return self._table()
        if sign == "[":
            return self._list()
        try:
            value, self._at = _scalars.raw_decode(self._text, self._at)
        except json.JSONDecodeError as error:
            if error.pos != self._at:  # inside a text
                raise
            raise self._wrong("a value must be") from None
        return value

    def _table(self) -> Table:
        table = Table()
        self._at += 1
        self._skip_space()
        if self._ends_with("}"):
            return table
        while True:
            if self._next() != '"':
                raise self._wrong("a name in double quotes must be")
            begin = self._at
            key, self._at = _scalars.raw_decode(self._text, begin)
            if key in table:
                raise json.JSONDecodeError(f"{key!r} is twice", self._text, begin)
            self._expect(":")
            table[key] = self._value()
            table.lines[key] = bisect_left(self._line_ends, begin) + 1
            self._skip_space()
            if self._ends_with("}"):
                return table
            self._expect(",")

    def _list(self) -> list[Any]:
        values: list[Any] = []
        self._at += 1
        self._skip_space()
        if self._ends_with("]"):
            return values
        while True:
            values.append(self._value())
            self._skip_space()
            if self._ends_with("]"):
                return values
            self._expect(",")

    def _next(self) -> str:
        return self._text[self._at : self._at + 1]

    def _skip_space(self) -> None:
        while self._next() and self._next() in _SPACE:
            self._at += 1

    def _ends_with(self, sign: str) -> bool:
        """Whether `sign` is next; moves behind it."""
        found = self._next() == sign
        self._at += found
        return found

    def _expect(self, sign: str) -> None:
        """Moves behind `sign` and the space after it."""
        self._skip_space()
        if not self._ends_with(sign):
            raise self._wrong(f"a {sign!r} must be")
        self._skip_space()

    def _wrong(self, text: str) -> json.JSONDecodeError:
        return json.JSONDecodeError(text, self._text, self._at)
