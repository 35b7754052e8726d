"""Free port numbers on loopback, valid for TCP and UDP alike."""

import contextlib
import socket

LOOPBACK = "127.0.0.1"


def free_port() -> int:
    """A number that neither a TCP nor a UDP socket on loopback holds just now."""
    while True:
        with contextlib.ExitStack() as stack:
            tcp = stack.enter_context(socket.socket(socket.AF_INET, socket.SOCK_STREAM))
            tcp.bind((LOOPBACK, 0))
            port = tcp.getsockname()[1]
            udp = stack.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
            try:
                udp.bind((LOOPBACK, port))
            except OSError:
                continue
            return port


def udp_socket(timeout: float = 5.0) -> socket.socket:
    """A bound UDP socket on loopback; the caller closes it."""
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sock.bind((LOOPBACK, 0))
    sock.settimeout(timeout)
    return sock
