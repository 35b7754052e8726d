"""Puts outside of the limits of a PV that enforces them."""

from __future__ import annotations

from typing import Any

from ..native._fields import Fields


def within_limits(fields: Fields, value: Any) -> Any:
    """`value`, or what `enforce_limits` makes of it.

    The limits are lolim and hilim, where they are in order. Text has none, neither have
    the labels of an enum.

    Raises:
        ValueError: It is refused.
    """
    values = fields.values
    low, high = values["lolim"], values["hilim"]
    if not values["enforce_limits"] or not low < high or isinstance(value, str):
        return value
    elements = value if isinstance(value, list) else [value]
    if any(isinstance(element, str) for element in elements):
        return value
    if all(low <= element <= high for element in elements):
        return value
    if values["enforce_limits"] == "refuse" or any(e != e for e in elements):
        raise ValueError(f"the value is outside of its limits, {low} to {high}")
    kept = [type(e)(min(max(e, low), high)) for e in elements]
    return kept if isinstance(value, list) else kept[0]
