from collections.abc import Callable
from typing import Any, final

from pcaspy.native._handle import PvHandle, Way
from pcaspy.native._time import StampBase

@final
class Extra:
    """What few Data have: aliases, or an alarm that has a message or looks back."""

@final
class Changed:
    """The Data of a driver that have events which wait to be posted."""

    def __init__(self, later: Callable[[Any, float], None] | None = None) -> None: ...
    @property
    def waiting(self) -> list[Any]: ...

class Links:
    """A Data's place among the PVs of a driver, and the events that wait for it."""

    @property
    def handle(self) -> Any: ...
    def handles(self) -> list[Any]: ...

def wire_pv(
    pv: PvHandle,
    way: Way,
    plain_read: bool,
    plain_write: bool,
    in_series: bool,
    asks: bool,
) -> None: ...
def data_of(pv: PvHandle) -> Any: ...
def client_how(pv: PvHandle) -> str | None: ...
def post_value(
    pv: PvHandle,
    value: Any,
    alarm: int,
    severity: int,
    when: StampBase,
    mask: int,
) -> None: ...
