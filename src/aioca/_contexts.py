"""The CA context and the channels of event loops, as programs reach them."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping
from typing import Generic, TypeVar

from aioca import operations
from aioca.channel import ChannelCache
from aioca.native import _context, _loop

T = TypeVar("T")


class ValueEvent(Generic[T]):
    """An event that passes a value or an exception to its waiters."""

    def __init__(self) -> None:
        self._event = asyncio.Event()
        self.value: T | Exception = RuntimeError("No value set")

    def set(self, value: T | Exception) -> None:
        """Wakes those who wait, with this value."""
        self.value = value
        self._event.set()

    def is_set(self) -> bool:
        """Whether there is a value."""
        return self._event.is_set()

    def clear(self) -> None:
        """Forgets the value."""
        self._event.clear()
        self.value = RuntimeError("No value set")

    async def wait(self) -> T:
        """The value, as soon as there is one. Raises it if it is an exception."""
        await self._event.wait()
        if isinstance(self.value, Exception):
            raise self.value
        return self.value


class _Caches(Mapping[asyncio.AbstractEventLoop, ChannelCache]):
    """The current channel caches by event loop."""

    def __getitem__(self, loop: asyncio.AbstractEventLoop) -> ChannelCache:
        for known in _loop.known_loops():
            if known.loop is loop:
                return ChannelCache(known)
        raise KeyError(loop)

    def __iter__(self) -> Iterator[asyncio.AbstractEventLoop]:
        return iter([known.loop for known in _loop.known_loops()])

    def __len__(self) -> int:
        return len(_loop.known_loops())

    def clear(self) -> None:
        """Closes the channels of every loop."""
        operations.purge()


class _ContextState(type):
    """What programs read of `_Context` itself."""

    @property
    def _ca_context(cls) -> int | None:
        return _context.context_address()

    @property
    def _should_destroy(cls) -> bool:
        return _context.owns_the_context()


class _Context(metaclass=_ContextState):
    """The CA context of this process, and the channels of each event loop."""

    _channel_caches = _Caches()

    @classmethod
    def get_channel_cache(cls) -> ChannelCache:
        """The channels of the running event loop."""
        return ChannelCache(_loop.running_loop())

    @classmethod
    def purge_channel_caches(cls) -> None:
        """Closes every subscription and channel of every event loop.

        Waiting calls fail. The next call for a PV connects again.

        Example::

            await caget("X:TEMP")
            purge_channel_caches()
        """
        operations.purge()

    @classmethod
    def _ensure_context(cls) -> None:
        _context.attach()

    @classmethod
    def _teardown(cls) -> None:
        _context.end_process()
