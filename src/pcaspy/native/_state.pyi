from typing import Any, TypeVar

from pcaspy.native._value import StoredValue

class Watch:
    """Looks at the value of a Data. It holds on to the one that it saw last."""

    @property
    def data(self) -> StoredValue | None: ...
    def watch(self, data: StoredValue | None, seen: bool) -> None: ...
    def take(
        self, listed: int
    ) -> tuple[Any, int, int, list[str] | None, bool] | None: ...

_Watch = TypeVar("_Watch", bound=Watch)

def changed(watches: list[_Watch]) -> list[_Watch]: ...
def was_set(data: StoredValue) -> bool: ...
