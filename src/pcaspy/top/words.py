"""Text for a terminal: harmless, cut to cells, and numbers as people read them."""

from __future__ import annotations

import math
import unicodedata
from collections.abc import Iterator
from typing import Any

from rich.cells import cell_len, set_cell_size

# Controls, formats (direction marks among them), lone surrogates, line separators.
_HARMFUL = {"Cc", "Cf", "Cs", "Zl", "Zp"}
_MINUTE, _HOUR, _DAY = 60.0, 3600.0, 86400.0


class _Harmless(dict[int, str]):
    """What each character is shown as, filled as they come."""

    def __missing__(self, code: int) -> str:
        character = chr(code)
        if unicodedata.category(character) in _HARMFUL:
            character = "\ufffd"
            if code < 0x20:
                character = chr(0x2400 + code)  # the picture of that control
            elif code == 0x7F:
                character = "\u2421"
        self[code] = character
        return character


_HARMLESS = _Harmless()


def harmless(value: object) -> str:
    """A text in which nothing controls a terminal: one sign for each such character."""
    text = value if isinstance(value, str) else str(value)
    if text.isascii() and text.isprintable():
        return text
    return text.translate(_HARMLESS)


def fitted(text: str, width: int, right: bool = False) -> str:
    """A harmless text in exactly `width` cells, its end cut off if it is longer."""
    cells = cell_len(text)
    if cells > width:
        return set_cell_size(text, width - 1) + "…" if width > 0 else ""
    space = " " * (width - cells)
    return space + text if right else text + space


def fitted_name(text: str, width: int) -> str:
    """The same of a name, without its middle: names differ at their ends."""
    if cell_len(text) <= width or width < 5:
        return fitted(text, width)
    tail = width // 2
    # From the back, as many characters as have room.
    at, cells = len(text), 0
    while cells + cell_len(text[at - 1]) <= tail:
        at -= 1
        cells += cell_len(text[at])
    return set_cell_size(text, width - cells - 1) + "…" + text[at:]


def wrapped(text: str, width: int) -> Iterator[str]:
    """A harmless text in lines of at most `width` cells, at least one line."""
    width = max(width, 2)
    begin, cells = 0, 0
    for at, character in enumerate(text):
        more = cell_len(character)
        if cells + more > width:
            yield text[begin:at]
            begin, cells = at, 0
        cells += more
    if begin < len(text) or not text:
        yield text[begin:]


def number(value: Any) -> float | None:
    """A finite number of an answer, or None: a server may send anything."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        found = float(value)
    except OverflowError:
        return None
    return found if math.isfinite(found) else None


def count(value: Any) -> str:
    """A whole number, in thousands."""
    found = number(value)
    return "" if found is None else f"{found:,.0f}"


def rate(value: Any) -> str:
    """How many per second."""
    found = number(value)
    if found is None:
        return ""
    return f"{found:,.0f}" if found >= 9.95 or found == 0 else f"{found:.1f}"


def span(value: Any) -> str:
    """Seconds as a person says them; negative in the future."""
    found = number(value)
    if found is None:
        return ""
    seconds = abs(found)
    if seconds < 9.95:
        text = f"{seconds:.1f} s"
    elif seconds < 2 * _MINUTE:
        text = f"{seconds:.0f} s"
    elif seconds < 2 * _HOUR:
        text = f"{seconds / _MINUTE:.0f} min"
    elif seconds < 2 * _DAY:
        text = f"{seconds / _HOUR:.0f} h"
    else:
        text = f"{seconds / _DAY:,.0f} d"
    return f"-{text}" if found < 0 and text != "0.0 s" else text


def size(value: Any) -> str:
    """Bytes."""
    found = number(value)
    if found is None:
        return ""
    for unit in ("B", "kB", "MB", "GB"):
        if abs(found) < 1000:
            digits = 0 if unit == "B" or abs(found) >= 99.95 else 1
            return f"{found:.{digits}f} {unit}"
        found /= 1000
    return f"{found:,.1f} TB"
