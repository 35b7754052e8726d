"""Puts outside of the limits of a PV that enforces them."""

from __future__ import annotations

import math

from ..native._fields import Fields

TYPE_CHECKING = False  # typing takes long to import
if TYPE_CHECKING:
    from typing import Any


def within_limits(fields: Fields, value: Any) -> Any:
    """`value`, or what `enforce_limits` makes of it.

    The limits are the control limits, where they are in order. Text has none, neither
    have the labels of an enum.

    Raises:
        ValueError: It is refused.
    """
    how = fields.values["enforce_limits"]
    low, high = fields.control_limits()
    if not how or not low < high or isinstance(value, str | dict):
        return value
    elements = value if isinstance(value, list) else [value]
    if any(isinstance(element, str) for element in elements):
        return value
    if all(low <= element <= high for element in elements):
        return value
    kept = elements if how == "refuse" else [_moved(e, low, high) for e in elements]
    if not all(low <= element <= high for element in kept):
        raise ValueError(f"the value is outside of its limits, {low} to {high}")
    return kept if isinstance(value, list) else kept[0]


def _moved(element: Any, low: float, high: float) -> Any:
    """The nearest number of the same type between both limits, if there is one."""
    if low <= element <= high or element != element:
        return element
    if isinstance(element, int):
        return math.ceil(low) if element < low else math.floor(high)
    return type(element)(low if element < low else high)
