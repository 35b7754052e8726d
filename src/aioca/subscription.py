"""Subscriptions to PVs: by callback, or as an asynchronous iterator."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from types import TracebackType
from typing import TYPE_CHECKING, Any, Generic

from aioca._errors import CANothing, check_subscription
from aioca.native._monitor import Monitor
from aioca.types import AugmentedValue, Count, Datatype, Dbe, Format, Timeout

if TYPE_CHECKING:
    from typing_extensions import Self, TypeVar

    #: The type of the values: what ``datatype`` asks for
    Value = TypeVar("Value", covariant=True, default=AugmentedValue)
else:
    from typing import TypeVar

    Value = TypeVar("Value", covariant=True)


class Subscription(Monitor, Generic[Value]):
    """A subscription to one PV, created by `camonitor`.

    With a callback it runs until `close` is called; you need not keep a reference.
    Without a callback it is an asynchronous iterator over the updates. Both forms work
    in ``with`` and ``async with``, which close it at the end of the block.

    Attributes:
        name: Name of the PV.
        callback: Called with each value. Can be replaced at any time.
        channel: The channel it belongs to.
        state: ``OPENING``, ``OPEN`` or ``CLOSED``.
        dropped_callbacks: Number of updates that a newer one replaced before they
            could be delivered.
        all_updates: True if no update is dropped.
        notify_disconnect: True if the loss of the connection is delivered.
    """

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
    ) -> None:
        check_subscription(name, callback, events, format, count, connect_timeout)
        self._failure: CANothing | None = None
        self._arrival: asyncio.Future[None] | None = None
        super().__init__(
            name,
            callback,
            events,
            datatype,
            format,
            count,
            all_updates,
            notify_disconnect,
            connect_timeout,
        )

    def __repr__(self) -> str:
        state = ("OPENING", "OPEN", "CLOSED")[self.state]
        return f"<Subscription {self.name} {state}>"

    # ---- as an iterator ----------------------------------------------------------

    def on_arrival(self, failure: CANothing | None = None) -> None:
        """Wakes the iteration."""
        if failure is not None:
            self._failure = failure
        if self._arrival is not None and not self._arrival.done():
            self._arrival.set_result(None)

    def on_close(self) -> None:
        """Ends the iteration."""
        if self._arrival is not None and not self._arrival.get_loop().is_closed():
            self.on_arrival()

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Value:
        """The next update; ends when the subscription is closed.

        Of the updates that arrive between two calls only the newest is returned, unless
        ``all_updates`` is true.
        """
        while True:
            if self.state == self.CLOSED:
                raise StopAsyncIteration
            if self._failure is not None:
                failure, self._failure = self._failure, None
                raise failure
            value: Value | None = self.next_value()
            if value is not None:
                return value
            self._arrival = asyncio.get_running_loop().create_future()
            try:
                await self._arrival
            finally:
                self._arrival = None

    # ---- as a context manager ----------------------------------------------------

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()
