"""The tables of intended changes: what behaves differently here on purpose, and why.

`docs/changes/NAME.toml` holds the rows; the "coming from" pages are made of them, and
the tests in `tests/whole/compat` check them against the released packages. A difference
that no row explains fails there, and so does a row whose difference does not occur any
more.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

TABLES = Path(__file__).parents[2] / "docs" / "changes"


@dataclass(frozen=True)
class Change:
    """One row.

    Attributes:
        id: How tests refer to it.
        before: What the released package does, as a user sees it.
        here: What this project does.
        why: The reason, for whoever doubts it.
        names: Patterns of public names (fnmatch) that it explains in the comparison of
            surfaces; empty for a change of behaviour.
        shown: False for what users need not read about.
    """

    id: str
    before: str
    here: str
    why: str
    names: tuple[str, ...] = ()
    shown: bool = True


def load(table: str) -> dict[str, Change]:
    """The rows of `docs/changes/TABLE.toml` by id.

    Raises:
        AssertionError: Two rows have the same id.
    """
    rows: dict[str, Change] = {}
    with open(TABLES / f"{table}.toml", "rb") as file:
        for row in tomllib.load(file)["change"]:
            row["names"] = tuple(row.get("names", ()))
            change = Change(**row)
            assert change.id not in rows, f"two rows are called {change.id}"
            rows[change.id] = change
    return rows
