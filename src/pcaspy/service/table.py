"""A mapping of a file, with the line of each key."""

from __future__ import annotations

from typing import Any


class Table(dict[Any, Any]):
    """A mapping of the file; `lines` has the line of each key."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: dict[Any, int] = {}
