from asyncio import Future
from collections.abc import Generator, Iterable, Sequence
from typing import Any

from aioca.native._loop import Sink
from aioca.types import Count, Datatype, Format, Timeout

CONNECT: int
GET: int
PUT: int
PUT_CALLBACK: int

class Request(Sink):
    """One call, for one PV (``single``) or a list of them."""

    @property
    def future(self) -> Future[None] | None: ...
    def __new__(
        cls,
        operation: int,
        names: list[str],
        *,
        single: bool,
        throw: bool,
        timeout: Timeout,
        values: Sequence[Any] | None = None,
        datatype: Datatype = None,
        format: Format = 0,
        count: Count = 0,
    ) -> Request: ...
    def channels_up(self, indices: Iterable[int]) -> None: ...
    def submit_ready(self) -> None: ...
    def on_timeout(self) -> None: ...
    def cancel(self) -> None: ...
    def __await__(self) -> Generator[Any, None, Any]: ...
    def results(self) -> list[Any]: ...
