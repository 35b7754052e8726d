from collections import deque
from collections.abc import Awaitable, Callable
from typing import Any, ClassVar

from aioca._errors import CANothing
from aioca.native._channel import Channel
from aioca.native._loop import Sink
from aioca.types import Count, Datatype, Dbe, Format, Timeout

FORMAT_FULL: int

class Monitor(Sink):
    """One subscription on libca, and the delivery of its updates."""

    OPENING: ClassVar[int]
    OPEN: ClassVar[int]
    CLOSED: ClassVar[int]
    callback: Callable[..., Any] | None
    @property
    def name(self) -> str: ...
    @property
    def channel(self) -> Channel: ...
    all_updates: bool
    notify_disconnect: bool
    dropped_callbacks: int
    dbr_to_value: Callable[..., Any]
    @property
    def state(self) -> int: ...
    @property
    def events(self) -> int: ...
    @property
    def datatype(self) -> Datatype: ...
    @property
    def format(self) -> Format: ...
    @property
    def count(self) -> int: ...
    @property
    def pending_values(self) -> deque[Any]: ...
    @property
    def _as_parameter_(self) -> int: ...
    def __init__(
        self,
        name: str,
        callback: Callable[..., Any] | None,
        events: Dbe,
        datatype: Datatype,
        format: Format,
        count: Count,
        all_updates: bool,
        notify_disconnect: bool,
        connect_timeout: Timeout,
    ) -> None: ...
    def on_timeout(self, seconds: float) -> None: ...
    def on_disconnected(self) -> None: ...
    def on_connected(self) -> None: ...
    def close(self, exc_info: Any = None) -> None: ...
    def on_close(self) -> None: ...
    def on_arrival(self, failure: CANothing | None = None) -> None: ...
    def next_value(self) -> Any: ...
    async def await_callbacks(self, awaitable: Awaitable[Any]) -> None: ...
