"""All rules of intended changes, and where the two sides part."""

from __future__ import annotations

import compat_rules_program
import compat_rules_values as values
from compat_difference import RULES, Difference, explain

__all__ = ["RULES", "Difference", "compat_rules_program", "diverges", "explain"]


def diverges(d: Difference) -> bool:
    """The sides may hold different values from this step on, seen or not."""
    if d.step[0] == "ask" and d.step[1]["do"] == "callback":
        d.busy[d.step[1]["reason"]] = 0
    told = [sign(d) for sign in SIGNS]  # each of them: one counts
    return d.ends or any(told)


def _postponed(d: Difference) -> bool:
    """A put callback waits for one before it: the released server stops its circuit."""
    if d.step[0] != "put" or not d.step[5]:
        return False
    replies = d.ours["told"].get(str(d.step[1]), {}).get("replies", [])
    if any(reply[0] == f"put {d.step[2]}" for reply in replies):
        return False
    reason = d.channels.get((str(d.step[1]), d.step[2]), "")
    d.busy[reason] += 1
    return d.busy[reason] > 1


def _replaced(d: Difference) -> bool:
    """A PV is made anew, perhaps with a type that the old value does not fit."""
    return d.step[0] == "ask" and d.step[1]["do"] == "create"


SIGNS = (
    _replaced,
    values.odd_text,
    values.out_of_range,
    values.signed_char,
    values.number_to_text,
    values.text_to_char_array,
    values.text_beyond_ascii,
    values.deadbands_part,
    _postponed,
)
