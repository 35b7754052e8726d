"""What is kept of each PV: its line of the file, and whose value is the next one."""

from __future__ import annotations

from typing import Any

from ..native._handle import info_of
from ..native._state import Watch
from .format import sealed, stamp_text
from .values import LISTED, members, text_text


class Cell(Watch):
    """One PV, served or not.

    Args:
        name: Its full name.
        line: As the file has it, or None.
    """

    __slots__ = ("_head", "_head_type", "line", "name", "period")

    def __init__(self, name: str, line: bytes | None = None) -> None:
        self.name = name
        self.line = line
        self.period: float | None = None  # seconds between two looks
        self._head = self._head_type = ""

    def encode(self) -> bool:
        """Takes the present value into the line; whether that is another one now."""
        # Another thread may remove the PV.
        pv = None if self.data is None else self.data.handle
        info = None if pv is None else info_of(pv)
        taken = self.take(LISTED)
        if taken is None or info is None:
            return False
        value, seconds, nanoseconds, labels, is_text = taken
        values = info.fields.values
        kind = values["type_name"]
        if kind != self._head_type:
            self._head = f'{{"pv":{text_text(self.name)},"type":"{kind}",'
            self._head_type = kind
        if is_text:
            value = _characters(value[1], kind == "text", values["count"])
        line = sealed(
            f"{self._head}{members(value, labels, values['count'])},"
            f'"time":"{stamp_text(seconds, nanoseconds)}"'
        )
        if line == self.line:
            return False
        self.line = line
        return True


def _characters(data: bytearray, is_text: bool, most: int) -> Any:
    """A text, if its characters are the same when it is set again; else numbers."""
    text = bytes(data).rstrip(b"\0")
    if is_text or (most > 1 and len(data) == min(len(text) + 1, most)):
        return text.decode("utf-8", "surrogateescape")
    return list(data) if len(data) <= LISTED else ("u1", data)
