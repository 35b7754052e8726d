"""Who asks: the clients of a low-level server, as its methods see them."""

from __future__ import annotations

import contextvars

from ..native import _request
from ..native._request import Request
from .casdef import S_casApp_noSupport, S_casApp_success

TYPE_CHECKING = False  # typing takes long to import
if TYPE_CHECKING:
    from typing import Any

    from .gdd import gdd


class casClientInfo:
    """Who asks: what `context` arguments hold.

    `user` and `host` are what the client says of itself, `address` is that of its
    socket, ``a.b.c.d:port``. `protocol` is "ca" or "pva", or "control" for a put by
    the control socket.
    """

    def __init__(
        self,
        user: str = "",
        host: str = "",
        ctx: Any = None,
        address: str = "",
        protocol: str = "ca",
    ) -> None:
        self.user = user
        self.host = host
        self.ctx = ctx
        self.address = address
        self.protocol = protocol

    def __repr__(self) -> str:
        return (
            f"casClientInfo({self.user!r}, {self.host!r}, address={self.address!r},"
            f" protocol={self.protocol!r})"
        )

    def __str__(self) -> str:
        """As log lines name it."""
        over = {"pva": ", PVAccess", "control": ", control"}.get(self.protocol, "")
        return f"{self.user}@{self.host} ({self.address}{over})"


def client_of(request: Request) -> casClientInfo:
    """Who made a request."""
    user, host, address, protocol = request.client
    return casClientInfo(user, host, request, address, protocol)


# Set in the tasks of coroutines that carry out a put.
client_of_task: contextvars.ContextVar[Request | None] = contextvars.ContextVar(
    "client_of_task", default=None
)


def current_client() -> casClientInfo | None:
    """Returns the client for which `read` or `write` is running.

    Returns None outside of both, and in reads of a PV with `scan`.

    Example::

        class Logged(Driver):
            def write(self, reason, value):
                print(reason, value, current_client())
                return super().write(reason, value)
    """
    client = _request.current_client()
    if client is None:
        request = client_of_task.get()
        if request is None:
            return None
        client = request.client
    user, host, address, protocol = client
    return casClientInfo(user, host, None, address, protocol)


class caNetAddr:
    """The address of a client."""

    def __init__(self, text: str = "") -> None:
        self._text = text

    def stringConvert(self, size: int = 128) -> str:
        """The address as text, ``a.b.c.d:port``, of at most `size` characters."""
        return self._text[:size]

    __str__ = stringConvert


class casChannel:
    """A client's attachment to a PV. Access security decides about its rights."""

    def __init__(self, ctx: Any = None) -> None:
        self.setOwner("", "")

    def setOwner(self, user: str, host: str) -> None:
        """Sets who the client is."""
        self.user = user
        self.host = host

    def readAccess(self) -> bool:
        """True."""
        return True

    def writeAccess(self) -> bool:
        """True."""
        return True

    def confirmationRequested(self) -> bool:
        """False: clients need not ask the operator."""
        return False

    def beginTransaction(self) -> int:
        """S_casApp_success: there is nothing to prepare."""
        return S_casApp_success

    def endTransaction(self) -> None:
        """Does nothing."""

    def read(self, ctx: Any, prototype: gdd) -> int:
        """S_casApp_noSupport: requests go to the PV."""
        return S_casApp_noSupport

    def write(self, ctx: Any, value: gdd) -> int:
        """S_casApp_noSupport: requests go to the PV."""
        return S_casApp_noSupport

    def writeNotify(self, ctx: Any, value: gdd) -> int:
        """S_casApp_noSupport: requests go to the PV."""
        return S_casApp_noSupport

    def destroy(self) -> None:
        """Not called: a channel ends with its client."""

    def show(self, level: int = 0) -> None:
        """Prints whose it is."""
        print(f"{type(self).__name__} of {self.user}@{self.host}")
