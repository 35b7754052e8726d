"""Information about a channel, and functions to watch its state."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any, ClassVar, NamedTuple

from aioca._epics import cadef
from aioca.native import _channel, _loop
from aioca.native._channel import Channel

__all__ = [
    "CAInfo",
    "Channel",
    "ChannelCache",
    "ChannelInfo",
    "ChannelState",
    "get_channel",
    "watch_channel",
]


class ChannelInfo:
    """Information about a channel, from `get_channel_infos`.

    Attributes:
        name: Name of the PV.
        connected: Whether it is connected now.
        subscriber_count: Number of open subscriptions.
    """

    name: str
    connected: bool
    subscriber_count: int

    def __init__(self, name: str, connected: bool, subscriber_count: int) -> None:
        self.name = name
        self.connected = connected
        self.subscriber_count = subscriber_count

    def __repr__(self) -> str:
        return (
            f"ChannelInfo({self.name!r}, connected={self.connected}, "
            f"subscriber_count={self.subscriber_count})"
        )


class CAInfo:
    """Information about a PV, from `cainfo`. Its ``str`` is a readable table."""

    #: Names of the states that `state` counts
    state_strings: ClassVar[list[str]] = [
        "never connected",
        "previously connected",
        "connected",
        "closed",
    ]
    #: Names of the types that `datatype` counts
    datatype_strings: ClassVar[list[str]] = [
        "string",
        "short",
        "float",
        "enum",
        "char",
        "long",
        "double",
        "no access",
    ]

    #: Always True
    ok: bool
    #: Name of the PV
    name: str
    #: 0 never connected, 1 was connected, 2 connected, 3 closed
    state: int
    #: Name and port of the server, ``<disconnected>`` without a connection
    host: str
    #: Whether the server allows reading and writing
    read: bool
    write: bool
    #: Number of elements, 0 without a connection
    count: int
    #: The PV's own `Dbr` code, 7 without a connection
    datatype: int

    def __init__(self, pv: str, channel: Channel) -> None:
        self.ok = True
        self.name = pv
        self.state = cadef.ca_state(channel)
        connected = self.state == cadef.cs_conn
        self.host = cadef.ca_host_name(channel)
        self.read = cadef.ca_read_access(channel)
        self.write = cadef.ca_write_access(channel)
        self.count = int(channel.element_count) if connected else 0
        self.datatype = channel.native_type if connected else 7

    def __repr__(self) -> str:
        state = self.state_strings[self.state]
        if self.state != cadef.cs_conn:
            return f"<CAInfo {self.name!r} {state}>"
        kind = self.datatype_strings[self.datatype]
        access = " and ".join(
            word for word, has in (("read", self.read), ("write", self.write)) if has
        )
        return (
            f"<CAInfo {self.name!r} {state} to {self.host}, {self.count} {kind}, "
            f"access: {access or 'none'}>"
        )

    def __str__(self) -> str:
        return f"""{self.name}:
    State: {self.state_strings[self.state]}
    Host: {self.host}
    Access: {self.read}, {self.write}
    Data type: {self.datatype_strings[self.datatype]}
    Count: {self.count}"""


class ChannelState(NamedTuple):
    """The state of a channel."""

    #: Whether the PV is connected
    connected: bool
    #: Whether the server allows reading
    readable: bool
    #: Whether the server allows writing
    writable: bool
    #: Name and port of the server, or None
    host: str | None


class ChannelCache:
    """The channels of one event loop, by name."""

    def __init__(self, loop: _loop.Loop) -> None:
        self._loop = loop

    @property
    def _ChannelCache__channels(self) -> dict[str, Channel]:
        return self._loop.channels

    def get_channel(self, name: str) -> Channel:
        """The channel of that name. Opens one if necessary."""
        return _channel.get_channel(self._loop, name)

    def get_channels(self) -> list[Channel]:
        """Every channel."""
        return list(self._loop.channels.values())

    def call_soon_threadsafe(self, callback: Callable[..., Any], *args: Any) -> None:
        """Calls back in the loop, from any thread."""
        self._loop.loop.call_soon_threadsafe(callback, *args)

    def purge(self) -> None:
        """Closes every channel and its subscriptions."""
        self._loop.purge_soon()


def get_channel(pv: str) -> Channel:
    """The channel to a PV in the running event loop. Opens one if necessary.

    Example::

        channel = get_channel("X:TEMP")
        print(channel.connected())
    """
    return _channel.get_channel(_loop.running_loop(), pv)


def state_of(channel: Channel) -> ChannelState:
    """The channel as it is now."""
    connected = channel.connected()
    return ChannelState(connected, *channel.access, channel.host)


class watch_channel:
    """The state of a PV's channel, awaited or watched, through reconnects.

    Use it as an asynchronous iterator: the first state comes at once, then one for each
    change of the connection or the access rights. States that changed again before they
    were looked at are merged.

    Example::

        async for state in watch_channel("X:TEMP"):
            print(state.connected, state.writable)
            if state.connected:
                break
    """

    def __init__(self, pv: str) -> None:
        self.channel = get_channel(pv)
        self._changed = asyncio.Event()
        self._last: ChannelState | None = None

    def __repr__(self) -> str:
        return f"<watch_channel {self.channel!r}>"

    @property
    def state(self) -> ChannelState:
        """The state now."""
        return state_of(self.channel)

    async def wait_for(
        self,
        *,
        connected: bool | None = None,
        readable: bool | None = None,
        writable: bool | None = None,
    ) -> ChannelState:
        """Waits until the state is as asked. Use `asyncio.wait_for` to limit the wait.

        Args:
            connected: Wait until the PV is connected, or is not.
            readable: Wait until the server lets us read it, or does not.
            writable: Wait until the server lets us write it, or does not.
        """
        wanted = {"connected": connected, "readable": readable, "writable": writable}
        while True:
            state = self.state
            if all(w is None or getattr(state, k) == w for k, w in wanted.items()):
                return state
            await self._next_change()

    async def _next_change(self) -> None:
        self.channel.add_watcher(self._on_change)
        try:
            self._changed.clear()
            await self._changed.wait()
        finally:
            self.channel.remove_watcher(self._on_change)

    def _on_change(self, _channel: Any) -> None:
        self._changed.set()

    async def __aiter__(self) -> AsyncIterator[ChannelState]:
        self.channel.add_watcher(self._on_change)
        last: ChannelState | None = None
        try:
            while True:
                self._changed.clear()
                state = self.state
                if state != last:
                    last = state
                    yield state
                else:
                    await self._changed.wait()
        finally:
            self.channel.remove_watcher(self._on_change)
