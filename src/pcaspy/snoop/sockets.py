"""Sockets that receive broadcasts, and take nothing from servers.

On Linux a socket that is bound to all addresses would get the searches that are meant
for a server: what is sent to one address goes to one socket only. So there is a socket
for each broadcast address, 127.255.255.255 among them, where servers of this project
ask each other.
"""

from __future__ import annotations

import contextlib
import os
import socket
import sys
from collections.abc import Iterator
from pathlib import Path

from ..native._tables import networks
from .wire import Address

EVERYWHERE = "0.0.0.0"
LIMITED = "255.255.255.255"
LOOPBACK = "127.255.255.255"
_BUFFER = 4 << 20  # bytes; the kernel may grant less


def udp() -> socket.socket:
    """A datagram socket that never waits."""
    made = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    made.setblocking(False)
    return made


def shared(address: str, port: int) -> socket.socket:
    """One that shares an address with servers.

    Raises:
        OSError: The address cannot be used.
    """
    with contextlib.ExitStack() as stack:
        made = stack.enter_context(contextlib.closing(udp()))
        made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _BUFFER)
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if not sys.platform.startswith("linux") and hasattr(socket, "SO_REUSEPORT"):
            made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        made.bind((address, port))
        stack.pop_all()
        return made


def heard_at(interface: str) -> list[str]:
    """The addresses to listen at.

    Raises:
        OSError: There is no such interface.
    """
    found = [a for a in networks(interface) if not a.startswith("127.")]
    if interface == EVERYWHERE:
        found.append(LIMITED)
    elif not found and not interface.startswith("127."):
        raise OSError(f"no network has the address {interface}")
    if not sys.platform.startswith("linux"):
        return [EVERYWHERE if interface == EVERYWHERE else interface]
    return list(dict.fromkeys([*found, LOOPBACK]))


def sent_from(target: Address) -> str:
    """The address of this host that a datagram to `target` has; "" if there is none."""
    with contextlib.closing(udp()) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
        with contextlib.suppress(OSError):
            probe.connect(target)
            return str(probe.getsockname()[0])
    return ""


def asking() -> socket.socket:
    """For questions, and their answers."""
    made = udp()
    made.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _BUFFER)
    made.bind(("", 0))
    return made


def exclusive(port: int) -> socket.socket | None:
    """The port on all addresses, if it is free."""
    made = udp()
    try:
        made.bind(("", port))
    except OSError:
        made.close()
        return None
    return made


def is_free(port: int) -> bool:
    """Whether no socket of this host has the port."""
    made = exclusive(port)
    if made is not None:
        made.close()
    return made is not None


def datagrams(
    sock: socket.socket, most: int, size: int
) -> Iterator[tuple[bytes, Address]]:
    """What has come, up to `most` of them."""
    for _ in range(most):
        try:
            yield sock.recvfrom(size)
        except (BlockingIOError, InterruptedError):
            return
        except OSError:  # an answer to something that was sent: nobody is there
            continue


def dropped(socks: list[socket.socket]) -> int:
    """How many datagrams the kernel had no room for. Only Linux says it."""
    with contextlib.suppress(OSError, ValueError):
        own = {str(os.fstat(sock.fileno()).st_ino) for sock in socks}
        lines = Path("/proc/self/net/udp").read_text().splitlines()
        header = lines[0].split()
        # The header has one word each for what are two columns in the lines, twice.
        inode = header.index("inode") - 2
        rows = (line.split() for line in lines[1:])
        return sum(int(row[-1]) for row in rows if row[inode] in own)
    return 0
