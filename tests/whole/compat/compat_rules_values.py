"""Rules about values on the wire: text, numbers, counts, limits."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable

from compat_difference import Difference, Json, rule, where

from support import dbr

EXTREMES = ("0", "255", "32767", "-32768", "2147483647", "-2147483648")


@rule("integer-as-text")
def integer_as_text(d: Difference) -> bool:
    """Integers as text have no decimals."""

    def without(elements: list[str]) -> list[str]:
        return [str(e).removesuffix(".0000") for e in elements]

    found = False
    for one, other in zip(d.released["calls"], d.ours["calls"], strict=False):
        if one != other and one[0] == "write" and d.spec(one[1])["type"] == "string":
            one[2] = _each(one[2], without)
            found = found or one == other
    return _change_text(d, without) or found


def _each(value: Json, change: Callable[[list[str]], list[str]]) -> Json:
    """A text, or a list of them, changed; anything else as it is."""
    if isinstance(value, str):
        return change([value])[0]
    return change(value) if isinstance(value, list) else value


@rule("large-number-as-text")
def large_number_as_text(d: Difference) -> bool:
    """Large numbers as text look as an IOC writes them."""

    def plain(elements: list[str]) -> list[str]:
        return [f"{float(e):.3f}" if "e+" in e else e for e in elements]

    return _change_text(d, plain)


@rule("decimals-of-prec")
def decimals_of_prec(d: Difference) -> bool:
    """A number as text has the decimals of `prec`, if that is given."""

    def with_prec(prec: int) -> Callable[[list[str]], list[str]]:
        def change(elements: list[str]) -> list[str]:
            return [f"{float(e):.{prec}f}" if _plain_number(e) else e for e in elements]

        return change

    return any(_change_text(d, with_prec(prec)) for prec in range(4))


def _change_text(d: Difference, change: Callable[[list[str]], list[str]]) -> bool:
    """Changes elements that were asked for as text, where that makes them ours."""
    found = False
    for _, released, ours in d.replies():
        at = where(released)
        if at < 0 or released[at] % 7 != dbr.STRING or released == ours:
            continue
        if at == where(ours) and change(released[at + 2]) == ours[at + 2]:
            released[at + 2] = ours[at + 2]
            found = True
    return found


@rule("failed-put-status")
def failed_put_status(d: Difference) -> bool:
    """What cannot be converted fails once, with ECA_PUTFAIL, as an IOC says."""
    if d.step[0] != "put":
        return False
    found = False
    for told in d.released["told"].values():
        replies = told.get("replies", [])
        for reply in list(replies):
            if reply == ["error", "NOCONVERT", 4]:
                reply[1] = "PUTFAIL"
                found = True
            elif reply == ["error", "NOCONVERT", 19]:
                replies.remove(reply)
                found = True
    return found


@rule("text-as-number")
def text_as_number(d: Difference) -> bool:
    """Text is read as a number as an IOC does: "" is 0, "a" is none, "0x10" is 16."""
    if odd_text(d):
        d.goes_on_with_ours()
        return True
    if d.step[0] == "get" and d.kind() == "string" and d.step[3] % 7 != dbr.STRING:
        d.released["told"] = d.ours["told"]
        return True
    return False


def _plain_number(text: Json) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def odd_text(d: Difference) -> bool:
    """A put of text that is no plain number, to a PV of numbers."""
    return (
        d.step[0] == "put"
        and d.step[3] == dbr.STRING
        and d.kind() != "string"
        and not all(_plain_number(e) for e in d.step[4])
    )


@rule("char-text-utf8")
def char_text_utf8(d: Difference) -> bool:
    """Text in a char array is UTF-8, a byte that is not is kept by a surrogate."""
    found = False
    for one, other in zip(d.released["calls"], d.ours["calls"], strict=False):
        if one[0] != "write" or one == other or d.spec(one[1])["type"] != "char":
            continue
        if not isinstance(other[2], str) or not isinstance(one[2], str):
            continue
        if other[2].encode("utf-8", "surrogateescape") == one[2].encode("latin-1"):
            one[2] = other[2]
            found = True
    return found


@rule("double-out-of-range")
def double_out_of_range(d: Difference) -> bool:
    """A number beyond an integer's range becomes its largest or smallest."""
    if d.step[0] != "get" or d.step[3] % 7 not in (dbr.CHAR, dbr.SHORT, dbr.LONG):
        return False
    found = False
    for _, released, ours in d.replies():
        at = where(released)
        if at > 0 and at == where(ours) and d.kind() == "float":
            for i, (one, other) in enumerate(
                zip(released[at + 2], ours[at + 2], strict=True)
            ):
                if one != other and other in EXTREMES:
                    released[at + 2][i] = other
                    found = True
    return found


ALARM_LIMITS = {2: "hihi", 3: "high", 4: "low", 5: "lolo"}  # by place in the reply
FLOATING = {
    family + base for family in (dbr.GR, dbr.CTRL) for base in (dbr.FLOAT, dbr.DOUBLE)
}


@rule("limits-not-given")
def limits_not_given(d: Difference) -> bool:
    """Alarm limits of a float that no entry and no setParamInfo gave are NaN."""
    found = False
    for reason, released, ours in d.replies():
        at = where(released)
        if at < 0 or released[at] not in FLOATING:
            continue
        given = set(d.spec(reason))
        for step in d.asked("info"):
            given |= set(step.get("info", ()))
        limits, others = released[-1][2], ours[-1][2]
        for i, field in ALARM_LIMITS.items():
            absent = field not in given and float(limits[i]) == 0
            if absent and others[i] == "nan":
                limits[i] = others[i]
                found = True
    return found


@rule("nan-is-a-change")
def nan_is_a_change(d: Difference) -> bool:
    """A number that becomes NaN, or is one no more, is worth the events of a change."""
    found = False
    if d.step[0] == "ask" and d.step[1]["do"] == "state":
        one, other = d.released["result"], d.ours["result"]
        if one != other and unseen_change(d, d.step[1]["reason"]):
            if other[4] in {one[4] | bits for bits in (1, 2, 3)}:  # DBE_VALUE, DBE_LOG
                one[3:5] = True, other[4]
                found = True
    for circuit, told in d.ours["told"].items():
        released = d.released["told"].get(circuit, {})
        for name in told.keys() - released.keys() - {"replies", "rights"}:
            reason = d.reason_of(circuit, name)
            if unseen_change(d, reason) and _shows(told[name], values_of(d, reason)):
                released[name] = told[name]
                found = True
    return found


def unseen_change(d: Difference, reason: str) -> bool:
    """Since its last update the PV was given a number that differs by NaN.

    That is no difference for the released package, and one for us; but for infinity
    less infinity, which is 0 here, and NaN there.
    """
    spec = d.spec(reason)
    if spec["type"] != "float" or spec["count"] != 1:
        return False
    always = min(spec.get("mdel", 0), spec.get("adel", 0)) < 0
    values = [_number(value) for value in values_of(d, reason)]
    return any(
        math.isnan(last - new) and (always or math.isnan(last) != math.isnan(new))
        for last, new in itertools.pairwise(values)
    )


def values_of(d: Difference, reason: str) -> list[Json]:
    """What a PV held at its last update, and what it was given since."""
    values = [d.spec(reason).get("value", 0)]
    writes = (d.program.get("write") or {}).get(reason, "accept")
    updated = False
    for step in d.before:
        if updated:
            values, updated = values[-1:], False
        if step[0] == "put" and d.channels.get((str(step[1]), step[2])) == reason:
            updated = True
            if writes not in ("ignore", "false"):
                values.append(step[4][0])
        what = step[1] if step[0] == "ask" else {"do": ""}
        if what["do"] == "update":
            updated = what.get("reason") in (None, reason)
        elif what["do"] in ("set", "set_data") and what["reason"] == reason:
            values += [what["value"]] if what.get("name", "value") == "value" else []
    return values


def _number(value: Json) -> float:
    """A value of compat_values as a number; what is none is no NaN either."""
    if isinstance(value, dict):
        ((tag, value),) = value.items()
        value = value[1] if tag == "np0" else value
    try:
        return float(value)
    except (TypeError, ValueError):
        return 0.0


def _shows(updates: list[Json], values: list[Json]) -> bool:
    """It is one update with the last of the values."""
    at = where(updates[0])
    shown = updates[0][at + 2] if at > 0 else []
    return len(updates) == 1 and shown == [repr(_number(values[-1]))]


def deadbands_part(d: Difference) -> bool:
    """One side has marked NaN as sent, the other has not, and there is a deadband."""
    changed = {field for step in d.asked("info") for field in step["info"]}
    for reason in d.program["pvs"]:
        spec = d.spec(reason)
        deadband = max(spec.get("mdel", 0), spec.get("adel", 0)) > 0
        if (deadband or changed & {"mdel", "adel"}) and unseen_change(d, reason):
            return True
    return False


@rule("count-of-list")
def count_of_list(d: Difference) -> bool:
    """A channel has as many elements as the list that the entry gave."""
    if d.step[0] != "channel":
        return False
    value = d.spec(d.step[3]).get("value")
    told = d.released["told"].get(str(d.step[1]), {})
    for reply in told.get("replies", []):
        if reply[0] == "created" and isinstance(value, list) and reply[3] == 1:
            reply[3] = len(value)
            d.ends = True
            return True
    return False


@rule("char-limits")
def char_limits(d: Difference) -> bool:
    """Limits that a char cannot hold are its largest and smallest."""
    found = False
    for _, released, ours in d.replies():
        at = where(released)
        if at < 0 or released[at] not in (dbr.GR + dbr.CHAR, dbr.CTRL + dbr.CHAR):
            continue
        limits, others = released[-1][2], ours[-1][2]
        for i, (one, other) in enumerate(zip(limits, others, strict=True)):
            if int(one) > 127 and other == "0":
                limits[i] = other
                found = True
    return found


@rule("double-out-of-range")
def double_out_of_range_put(d: Difference) -> bool:
    """A number that is put beyond an integer's range becomes the nearest one."""
    if not out_of_range(d):
        return False
    d.goes_on_with_ours()
    return True


def out_of_range(d: Difference) -> bool:
    if d.step[0] != "put" or d.step[3] not in (dbr.FLOAT, dbr.DOUBLE):
        return False
    low, high = {
        "char": (0, 255),
        "short": (-(1 << 15), (1 << 15) - 1),
        "int": (-(1 << 31), (1 << 31) - 1),
        "enum": (0, (1 << 31) - 1),
    }.get(d.kind(), (0, 0))
    # NaN has no place in them.
    return low < high and not all(low <= float(e) <= high for e in d.step[4])


@rule("char-unsigned")
def char_unsigned(d: Difference) -> bool:
    """The type CHAR is unsigned on the wire: 200 is not -56."""
    if not signed_char(d):
        return False
    d.goes_on_with_ours()
    return True


def signed_char(d: Difference) -> bool:
    return (
        d.step[0] == "put"
        and d.step[3] == dbr.CHAR
        and d.kind() != "char"
        and not all(e < 128 for e in d.step[4])
    )


def number_to_text(d: Difference) -> bool:
    return d.step[0] == "put" and d.step[3] != dbr.STRING and d.kind() == "string"


@rule("bytes-as-text")
def bytes_as_text(d: Difference) -> bool:
    """Bytes for a string PV are its text."""
    used = [step.get("value") for step in d.asked("set", "set_data")]
    if not any(isinstance(value, dict) and "bytes" in value for value in used):
        return False
    found = False
    for reason, released, ours in d.replies():
        at = where(released)
        if at > 0 and at == where(ours) and d.spec(reason)["type"] == "string":
            released[at + 1 : at + 3] = ours[at + 1 : at + 3]
            found = True
    return found


@rule("cut-to-count")
def cut_to_count(d: Difference) -> bool:
    """No more elements go out than the PV has."""
    found = False
    for reason, released, ours in d.replies():
        at = where(released)
        if at < 0 or at != where(ours) or released[at + 1] <= ours[at + 1]:
            continue
        most = d.spec(reason)["count"]
        if ours[at + 1] == most:
            released[at + 1] = most
            released[at + 2] = released[at + 2][:most]
            found = True
    return found


@rule("text-in-string-array")
def text_in_string_array(d: Difference) -> bool:
    """A text as the value of an array of strings is its first element."""
    specs = [d.spec(reason) for reason in d.program["pvs"]]
    if not any(spec["type"] == "string" and spec["count"] > 1 for spec in specs):
        return False
    found = False
    for _, released, ours in d.replies():
        at = where(released)
        if at < 0 or at != where(ours) or any(ours[at + 2][1:]) or released == ours:
            continue
        codes = [f"{ord(c)}.0000" for c in ours[at + 2][0]] + ["0.0000"]
        codes += [""] * released[at + 1]  # more was asked for than there is
        if released[at + 2] == codes[: released[at + 1]]:
            released[at + 1 : at + 3] = ours[at + 1 : at + 3]
            found = True
    return found


@rule("text-to-char")
def text_to_char(d: Difference) -> bool:
    """Text that is put to a char array is text, not a number."""
    if not text_to_char_array(d):
        return False
    d.goes_on_with_ours()
    return True


def text_to_char_array(d: Difference) -> bool:
    return d.step[0] == "put" and d.step[3] == dbr.STRING and d.kind() == "char"


def text_beyond_ascii(d: Difference) -> bool:
    elements = d.step[4] if d.step[0] == "put" else []
    numbers = [e for e in elements if not isinstance(e, str)]
    return (
        bool(elements) and d.kind() == "char" and not all(0 <= e < 128 for e in numbers)
    )


@rule("beyond-count")
def beyond_count(d: Difference) -> bool:
    """A request for more elements than the PV has is answered with them, then zeros."""
    reason = (
        d.channels.get((str(d.step[1]), d.step[2]), "") if d.step[0] == "get" else ""
    )
    if d.step[0] != "get" or d.step[4] <= d.spec(reason)["count"]:
        return False
    found = False
    for _, released, ours in d.replies():
        at = where(ours)
        if at > 0 and "BADCOUNT" in released and ours[at + 1] == d.step[4]:
            released[1:] = ours[1:]
            found = True
    return found
