"""Rules about what programs do: drivers, puts, and PVs that come and go."""

from __future__ import annotations

from compat_difference import Difference, rule, where

from support import dbr


def put_fails(d: Difference) -> bool:
    """The released server tells that the put of the step failed; whether it can."""
    replies = d.released["told"][str(d.step[1])].setdefault("replies", [])
    if not d.step[5]:
        replies.append(["error", "PUTFAIL", 4])
        return True
    succeeded = [reply for reply in replies if reply == [f"put {d.step[2]}", "NORMAL"]]
    for reply in succeeded:
        reply[1] = "PUTFAIL"
    return bool(succeeded)


@rule("write-false")
def write_false(d: Difference) -> bool:
    """A put that the driver refuses fails."""
    refused = [
        call[1]
        for call in d.ours["calls"]
        if call[0] == "write"
        and (d.program.get("write") or {}).get(call[1]) in ("false", "false_after")
    ]
    if d.step[0] != "put" or not refused:
        return False
    put_fails(d)
    return True


@rule("crash")
def circuit_closed(d: Difference) -> bool:
    """A Python exception in the released server closes the circuit it is for."""
    if d.released["closed"] and not d.ours["closed"]:
        d.goes_on_with_ours()
        return True
    return False


@rule("first-read-fails")
def first_read_fails(d: Difference) -> bool:
    """A subscription whose first read fails starts with the PV's value."""
    if d.step[0] != "subscribe":
        return False
    told = d.released["told"].get(str(d.step[1]), {})
    ours = d.ours["told"].get(str(d.step[1]), {})
    name = d.step[3]
    if told.get(name, [[""]])[0][0] == "GETFAIL" and name in ours:
        told[name] = ours[name]
        return True
    return False


@rule("char-of-one")
def char_of_one(d: Difference) -> bool:
    """A char PV of one element takes text and numbers."""
    result = d.released["result"]
    if d.step[0] != "ask" or not isinstance(result, dict):
        return False
    spec = d.spec(d.step[1].get("reason", ""))
    if spec["type"] != "char" or spec["count"] != 1:
        return False
    if "TypeError" not in result.get("raised", ""):
        return False
    d.goes_on_with_ours()
    return True


@rule("removed-reason")
def removed_reason(d: Difference) -> bool:
    """A parameter lives until its PV is not served any more."""
    result = d.released["result"]
    if not d.asked("forget_reason", "forget_data"):
        return False
    if not isinstance(result, dict) or result.get("raised") != "KeyError":
        return False
    d.goes_on_with_ours()
    return True


@rule("late-pvs")
def late_pvs(d: Difference) -> bool:
    """PVs that are made after the driver work."""
    made = [reason for step in d.asked("create") for reason in step["pvs"]]
    result = d.released["result"]
    if d.step[0] != "ask" or d.step[1].get("reason") not in made:
        return False
    if not isinstance(result, dict) or result.get("raised") != "KeyError":
        return False
    d.goes_on_with_ours()
    return True


@rule("set-refused")
def set_refused(d: Difference) -> bool:
    """setParam refuses what no client could be told."""
    ours = d.ours["result"]
    if not _is_set(d) or not isinstance(ours, dict) or d.released["result"] is not None:
        return False
    if ours.get("raised") not in ("TypeError", "ValueError"):
        return False
    d.goes_on_with_ours()
    return True


@rule("set-accepted")
def set_accepted(d: Difference) -> bool:
    """setParam takes text for numbers, labels, and arrays of any kind."""
    if not _is_set(d) or not isinstance(d.released["result"], dict):
        return False
    d.goes_on_with_ours()
    return True


def _is_set(d: Difference) -> bool:
    return d.step[0] == "ask" and d.step[1]["do"] in ("set", "set_data")


@rule("labels-after-change")
def labels_after_change(d: Difference) -> bool:
    """Labels that setParamEnums sets are told to clients at once."""
    changed = [step["enums"] for step in d.asked("enums")]
    found = False
    for _, released, ours in d.replies() if changed else ():
        at = where(released)
        if at < 0 or at != where(ours) or released == ours:
            continue
        known = [label for labels in changed for label in labels]
        if released[at] % 7 == dbr.STRING and set(ours[at + 2]) <= {*known, *DIGITS}:
            released[at + 2] = ours[at + 2]
            found = True
        if released[at] % 7 == dbr.ENUM and len(ours) > at + 4:
            if ours[at + 4][3] in changed:
                released[at + 4][3] = ours[at + 4][3]
                found = True
    return found


DIGITS = [str(digit) for digit in range(10)]


@rule("asyn-waiting")
def asyn_waiting(d: Difference) -> bool:
    """Only a put callback of a busy PV waits, not all that its client asks for."""
    if max(d.busy.values(), default=0) < 2 or d.step[0] not in ("get", "put"):
        return False
    if d.released["told"].get(str(d.step[1])):
        return False
    d.goes_on_with_ours()
    return True


@rule("asyn-client-left")
def asyn_client_left(d: Difference) -> bool:
    """A PV is busy until its driver says otherwise, whether its client stays or not."""
    if d.step[0] != "put" or not d.step[5] or d.ours["calls"]:
        return False
    reason = d.channels.get((str(d.step[1]), d.step[2]), "")
    if not d.busy[reason] or [call[:2] for call in d.released["calls"]] != [
        ["write", reason]
    ]:
        return False
    d.goes_on_with_ours()
    return True


@rule("states-alone")
def states_alone(d: Difference) -> bool:
    """setParamEnums changes severities also where the labels stay."""
    changes = d.asked("enums")
    if not any(
        change["enums"] == d.spec(change["reason"]).get("enums") for change in changes
    ):
        return False
    one, other = d.released["result"], d.ours["result"]
    if not isinstance(one, list) or not isinstance(other, list):
        return False
    d.goes_on_with_ours()
    return True


@rule("no-driver")
def no_driver(d: Difference) -> bool:
    """A put that nobody takes fails."""
    taken = [step["do"] for step in d.asked("forget_driver", "renew_driver")][-1:]
    without = taken == ["forget_driver"] or not d.program.get("driver", True)
    return d.step[0] == "put" and without and put_fails(d)


@rule("limit-alone")
def limit_alone(d: Difference) -> bool:
    """An alarm limit that is not given does not exist."""
    for reason in d.program["pvs"]:
        spec = d.spec(reason)
        if ("low" in spec) != ("high" in spec) or ("lolo" in spec) != ("hihi" in spec):
            d.goes_on_with_ours()
            return True
    return False


@rule("removed-name")
def removed_name(d: Difference) -> bool:
    """Clients of a PV that is taken out of manager.pvf are told at once."""
    if d.step[0] != "ask" or d.step[1]["do"] not in ("forget_name", "create"):
        return False
    found = False
    for circuit, told in d.ours["told"].items():
        gone = [reply for reply in told.get("replies", []) if reply[0] == "gone"]
        if gone:
            d.released["told"][circuit].setdefault("replies", []).extend(gone)
            d.ends = found = True
    return found


@rule("clear-unknown")
def clear_unknown(d: Difference) -> bool:
    """Clearing a channel that there is not (any more) is no error."""
    if d.step[0] != "clear":
        return False
    replies = d.released["told"].get(str(d.step[1]), {}).get("replies", [])
    error = ["error", "BADCHID", 12]
    if error in replies:
        replies.remove(error)
        return True
    return False


@rule("replaced-pv")
def replaced_pv(d: Difference) -> bool:
    """A PV that is made anew begins with the value of its new entry."""
    made = [step["pvs"] for step in d.asked("create")]
    if d.step[0] != "ask" or not any(d.step[1].get("reason") in pvs for pvs in made):
        return False
    d.goes_on_with_ours()
    return True
