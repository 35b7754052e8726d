from collections.abc import Iterator
from typing import Any, final

COLUMN_TYPES: tuple[str, ...]
MAX_COUNT: int
FORMS: dict[str, int]

@final
class Fields:
    values: dict[str, Any]
    given: frozenset[str]
    scanned: bool
    asyn: bool
    exact: bool
    as_stored: bool
    any_float: bool
    is_text: bool
    def __init__(self, values: dict[str, Any], given: frozenset[str]) -> None: ...
    def pair(self, low: str, high: str) -> tuple[float, float]: ...
    def control_limits(self) -> tuple[float, float]: ...
    def stored(self, value: Any) -> tuple[Any, bool]: ...
    def alarm(self, value: Any) -> tuple[int, int]: ...

@final
class Alike:
    """An entry of a pvdb, for others that differ from it in their values alone."""

    fields: Fields
    def __init__(
        self, entry: dict[str, Any], fields: Fields, zero: Any = None
    ) -> None: ...

def alike_infos(
    kind: type,
    prefix: str,
    entries: Iterator[tuple[Any, Any]],
    alike: list[Alike],
    made: list[Any],
) -> tuple[Any, Any] | None: ...
def has_64_bits(info: InfoBase | None) -> bool: ...
def is_structured(info: InfoBase | None) -> bool: ...

class InfoBase:
    fields: Fields
    reason: str
    name: str
    value: Any
    has_value: bool
    mlst: Any
    alst: Any
    def _added(self) -> dict[str, Any]: ...
