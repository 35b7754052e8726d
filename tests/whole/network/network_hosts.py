"""Hosts in network namespaces, plugged into switches by cables that can be cut.

A host is a namespace, a switch is a bridge in one more, a cable is a veth pair. All
are this process's own: names hold its id, and `Network` removes them at its end. What a
killed process has left behind, the next one removes.
"""

from __future__ import annotations

import contextlib
import ctypes
import itertools
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

PREFIX = "pcaspy"
_CLONE_NEWNET = 0x40000000
_IP = shutil.which("ip") or "/usr/sbin/ip"
_numbers = itertools.count()


def unusable() -> str:
    """Why there can be no namespaces here; empty if there can."""
    if not sys.platform.startswith("linux"):
        return "network namespaces are a matter of Linux"
    if not os.access(_IP, os.X_OK):
        return "there is no `ip` here: install iproute2"
    try:
        with Network() as network:
            switch = network.switch()
            network.host().plug(switch, "10.0.0.1/24")
    except NotAllowedError as error:
        return f"no network of our own here: {error}"
    return ""


class NotAllowedError(OSError):
    """The machine does not let this process make or change a network."""


def ip(*arguments: str) -> str:
    """Run `ip`; what it prints."""
    done = subprocess.run([_IP, *arguments], capture_output=True, text=True)
    if done.returncode != 0:
        raise NotAllowedError(f"ip {' '.join(arguments)}: {done.stderr.strip()}")
    return done.stdout


@contextlib.contextmanager
def inside(namespace: str) -> Iterator[None]:
    """Sockets that this thread makes meanwhile belong to the namespace, for good."""
    libc = ctypes.CDLL(None, use_errno=True)

    def enter(file: int) -> None:
        if libc.setns(file, _CLONE_NEWNET) != 0:
            raise OSError(ctypes.get_errno(), "setns")

    home = os.open("/proc/thread-self/ns/net", os.O_RDONLY)
    there = os.open(f"/run/netns/{namespace}", os.O_RDONLY)
    try:
        enter(there)
        yield
    finally:
        enter(home)
        os.close(home)
        os.close(there)


def make_namespace() -> str:
    name = f"{PREFIX}-{os.getpid()}-{next(_numbers)}"
    ip("netns", "add", name)
    ip("-n", name, "link", "set", "lo", "up")
    return name


def remove_namespace(name: str) -> None:
    """With the processes in it: clients leave a repeater behind."""
    with contextlib.suppress(NotAllowedError):
        for pid in ip("netns", "pids", name).split():
            with contextlib.suppress(ProcessLookupError):
                os.kill(int(pid), signal.SIGKILL)
        ip("netns", "del", name)


def remove_abandoned() -> None:
    """Namespaces of test processes that are gone."""
    for name in ip("netns", "list").split():
        owner = re.fullmatch(rf"{PREFIX}-(\d+)-\d+", name)
        if owner and not Path(f"/proc/{owner[1]}").exists():
            remove_namespace(name)


class Cable:
    """From a host's interface to a port of a switch."""

    def __init__(self, wires: str, switch: str, port: str, interface: str) -> None:
        self._wires, self._switch, self._port = wires, switch, port
        self.interface = interface  # the host's

    def cut(self) -> None:
        """Frames are lost, and nobody is told: as behind some switch on the way."""
        ip("-n", self._wires, "link", "set", self._port, "nomaster")

    def join(self) -> None:
        """The end of `cut`."""
        ip("-n", self._wires, "link", "set", self._port, "master", self._switch)

    def pull(self) -> None:
        """The host sees that its link is down."""
        ip("-n", self._wires, "link", "set", self._port, "down")

    def push(self) -> None:
        """The end of `pull`."""
        ip("-n", self._wires, "link", "set", self._port, "up")


class Host:
    """A network stack of its own: interfaces, addresses, ports, programs."""

    def __init__(self, network: Network) -> None:
        self._network = network
        self.namespace = make_namespace()

    def plug(self, switch: str, address: str, mtu: int = 1500) -> Cable:
        """One more interface, with this address (`10.1.0.5/24`)."""
        number = next(_numbers)
        port, interface, wires = f"p{number}", f"eth{number}", self._network.wires
        size = ("mtu", str(mtu))
        ip(
            *("-n", wires, "link", "add", port, *size, "type", "veth"),
            *("peer", "name", interface, *size, "netns", self.namespace),
        )
        ip("-n", wires, "link", "set", port, "master", switch, "up")
        self.add_address(interface, address)
        ip("-n", self.namespace, "link", "set", interface, "up")
        return Cable(wires, switch, port, interface)

    def plug_through(self, middle: Host, switch: str, address: str) -> tuple[str, str]:
        """The same with `middle` as part of the cable: its two interfaces, bare."""
        number = next(_numbers)
        near, far, port = f"near{number}", f"far{number}", f"p{number}"
        interface = f"eth{number}"
        there, wires = middle.namespace, self._network.wires
        for end, other, home in (near, interface, self.namespace), (far, port, wires):
            ip(
                *("-n", there, "link", "add", end, "type", "veth"),
                *("peer", "name", other, "netns", home),
            )
            ip("-n", there, "link", "set", end, "up", "promisc", "on")
        ip("-n", wires, "link", "set", port, "master", switch, "up")
        self.add_address(interface, address)
        ip("-n", self.namespace, "link", "set", interface, "up")
        return near, far

    def add_address(self, interface: str, address: str) -> None:
        ip(
            *("-n", self.namespace, "addr", "add", address),
            *("broadcast", "+", "dev", interface),
        )

    def remove_address(self, interface: str, address: str) -> None:
        ip("-n", self.namespace, "addr", "del", address, "dev", interface)

    def add_route(self, target: str, *where: str) -> None:
        """`where` is `via` and an address, or `dev` and an interface."""
        ip("-n", self.namespace, "route", "add", target, *where)

    def let_through(self) -> None:
        """Make it a router."""
        self.set_ipv4("ip_forward", 1)

    def set_ipv4(self, name: str, value: int) -> None:
        """A setting of net.ipv4, for this host alone."""
        with inside(self.namespace):
            Path(f"/proc/sys/net/ipv4/{name}").write_text(str(value))

    def command(self, *argv: str) -> list[str]:
        """What runs `argv` there."""
        return [_IP, "netns", "exec", self.namespace, *argv]

    def inside(self) -> contextlib.AbstractContextManager[None]:
        """Sockets made in this block are this host's."""
        return inside(self.namespace)


class Network:
    """Switches, and hosts to plug in; gone at the end of the `with` block."""

    def __init__(self) -> None:
        self.wires = ""
        self._stack = contextlib.ExitStack()

    def __enter__(self) -> Network:
        remove_abandoned()
        with contextlib.ExitStack() as made:
            self.wires = make_namespace()
            made.callback(remove_namespace, self.wires)
            self._stack = made.pop_all()
        return self

    def __exit__(self, *_exc: object) -> None:
        self._stack.close()

    def switch(self) -> str:
        """A new one, as `Host.plug` takes it."""
        name = f"s{next(_numbers)}"
        ip("-n", self.wires, "link", "add", name, "type", "bridge")
        ip("-n", self.wires, "link", "set", name, "up")
        return name

    @staticmethod
    def remove(host: Host) -> None:
        """As if it were switched off."""
        remove_namespace(host.namespace)

    def host(self) -> Host:
        """One without an interface."""
        made = Host(self)
        self._stack.callback(remove_namespace, made.namespace)
        return made
