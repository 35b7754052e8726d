from collections.abc import Mapping
from typing import Any, final

from pcaspy.native._time import StampBase
from pcaspy.native._value import StoredValue

@final
class Data(StoredValue):
    value: Any
    alarm: int
    severity: int
    time: Any
    mask: int
    flag: bool
    udf: bool
    def set(self, value: Any, timestamp: StampBase | None = None) -> None: ...
    def set_status(
        self,
        alarm: int | None = None,
        severity: int | None = None,
        message: str = "",
    ) -> None: ...
    def look_again(self) -> None: ...
    def fail_read(self) -> None: ...
    def refresh(self, look_at_alarm: bool = True) -> None: ...
    def post(self, by_scan: bool = False) -> None: ...
    def send(self) -> None: ...

def post_changed(changed: list[Data]) -> None: ...
def set_and_post(
    params: Mapping[str, Data], values: Mapping[str, Any], when: StampBase
) -> None: ...
