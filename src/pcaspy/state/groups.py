"""Which PVs are saved, and how often."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from typing import Any

from ..served.pvdb import PVInfo
from ..served.pvdb_fields import LEAST_PERIOD

STANDARD_PERIOD = 5.0  # seconds

# What SimpleServer(autosave=...) takes.
Autosave = bool | str | Iterable[str] | Mapping[str, bool | float]


def checked_period(what: str, period: Any) -> float:
    """A period in seconds; True is the standard one.

    Raises:
        ValueError: It is too short, or no number.
    """
    if period is True:
        return STANDARD_PERIOD
    try:
        if LEAST_PERIOD <= period < math.inf and not isinstance(period, bool):
            return float(period)
    except TypeError:
        pass
    raise ValueError(
        f"{what}: the period is {period!r}, allowed are seconds from {LEAST_PERIOD},"
        f" or True for {STANDARD_PERIOD:g}"
    )


class Groups:
    """What `SimpleServer(autosave=...)` says, and the entries of a pvdb.

    Args:
        autosave: Patterns of names, with ``*`` and ``?``; as a dict, with their
            periods, where a key may be a group of entries, too. True is every PV.

    Raises:
        ValueError: A pattern or a period is not allowed.
    """

    def __init__(self, autosave: Autosave | None) -> None:
        self._periods = _periods(autosave)
        self._patterns = [
            (compiled(pattern), period) for pattern, period in self._periods.items()
        ]

    def period_of(self, info: PVInfo) -> float | None:
        """Seconds between two looks at such a PV; None: it is not saved."""
        fields = info.fields
        if "autosave" in fields.given:
            wanted = fields.values["autosave"]
            if isinstance(wanted, str):
                return self._periods.get(wanted, STANDARD_PERIOD)
            return None if wanted is False else checked_period("autosave", wanted)
        for pattern, period in self._patterns:
            if pattern.fullmatch(info.reason) or pattern.fullmatch(info.name):
                return period
        return None

    def without_match(self, names: Iterable[str], groups: Iterable[str]) -> list[str]:
        """Patterns for which there is neither a PV nor a group."""
        names, groups = list(names), set(groups)
        return [
            text
            for text, (pattern, _) in zip(self._periods, self._patterns, strict=True)
            if text not in groups and not any(map(pattern.fullmatch, names))
        ]


def _periods(autosave: Autosave | None) -> dict[str, float]:
    if autosave is None or autosave is False:
        return {}
    if autosave is True:
        return {"*": STANDARD_PERIOD}
    if isinstance(autosave, str):
        autosave = [autosave]
    if not isinstance(autosave, Mapping):
        autosave = dict.fromkeys(autosave, True)
    for pattern in autosave:
        if not isinstance(pattern, str) or not pattern:
            raise ValueError(
                f"autosave has {pattern!r}, allowed are names of PVs as text, with *"
                " and ?, in a list or as keys of a dict"
            )
    return {
        pattern: checked_period(f"autosave of {pattern!r}", period)
        for pattern, period in autosave.items()
    }


def compiled(pattern: str) -> re.Pattern[str]:
    """What fits a pattern with ``*`` and ``?``."""
    escaped = re.escape(pattern).replace(r"\*", ".*").replace(r"\?", ".")
    return re.compile(escaped, re.DOTALL)
