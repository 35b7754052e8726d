"""Where clients search, as the environment says it to libca."""

from __future__ import annotations

import contextlib
import os
import socket

from .wire import Address

_RESERVED = 5000  # libca takes no port up to this one


def port_of(variable: str, standard: int) -> int:
    """The port of a variable; if it is not one, that of the protocol."""
    text = os.environ.get(variable, "")
    port = int(text) if text.isascii() and text.isdigit() else 0
    return port if _RESERVED < port < 1 << 16 else standard


def further_targets(port: int) -> list[Address]:
    """The addresses of EPICS_CA_ADDR_LIST; those that do not exist are left out."""
    found = []
    for text in os.environ.get("EPICS_CA_ADDR_LIST", "").split():
        host, _, number = text.partition(":")
        with contextlib.suppress(OSError, ValueError):
            found.append((socket.gethostbyname(host), int(number or port)))
    return found
