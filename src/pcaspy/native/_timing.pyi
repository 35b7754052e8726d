from collections.abc import Callable
from typing import final

SLOW: float
_Client = tuple[str, str, str, str]

@final
class Timing:
    """Of the requests of one Server."""

    on: bool
    longest: float
    slow: Callable[[int, int, str, str, _Client, float], object] | None
    def start(self) -> None: ...
    def note(self, seconds: float) -> None: ...
    def forget_threads(self) -> None: ...
    def running(self) -> list[tuple[int, int, str, str, _Client, float]]: ...

def time_now() -> float: ...
