"""The result of a put, and the failure of any operation."""

import sys

from aioca._epics import cadef

ECA_NORMAL: int = cadef.ECA_NORMAL


class CANothing(Exception):
    """The result of an operation that returns no value.

    `caput` and `connect` return it on success. A failed call raises it, or with
    ``throw=False`` returns it in place of a value. It is true if the call succeeded.
    """

    #: Name of the PV, or ``"Multiple PVs"`` if a list of them timed out
    name: str
    #: True for success
    ok: bool = True
    #: ECA status code
    errorcode: int = ECA_NORMAL
    #: The PVs that did not answer in time, if the call was for a list of them
    pvs: tuple[str, ...] = ()

    def __init__(self, name: str, errorcode: int = ECA_NORMAL) -> None:
        self.name = name
        self.ok = errorcode == ECA_NORMAL
        self.errorcode = errorcode

    def __repr__(self) -> str:
        return f"CANothing({self.name!r}, {self.errorcode})"

    def __str__(self) -> str:
        text = f"{self.name}: {cadef.ca_message(self.errorcode)}"
        if self.pvs:
            named = ", ".join(self.pvs[:10])
            more = len(self.pvs) - 10
            text += f": {named}" + (f" and {more} more" if more > 0 else "")
        return text

    def __bool__(self) -> bool:
        return self.ok


def several_timed_out(names: list[str]) -> CANothing:
    """The exception of a list call in which these PVs did not answer in time."""
    error = CANothing("Multiple PVs", 80)
    error.pvs = tuple(names)
    return error


def refusal(name: str, status: int, function: str) -> Exception:
    """The exception for a request that libca did not take."""
    if status == cadef.ECA_DISCONN:
        lost: Exception = cadef.Disconnected.__new__(cadef.Disconnected)
        lost.name = name  # type: ignore[attr-defined]
        return lost
    refused: Exception = cadef.CAException(status, getattr(cadef, function))
    if sys.version_info >= (3, 11):
        refused.add_note(name)
    return refused
