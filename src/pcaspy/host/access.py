"""Access security: EPICS' rules of who may read and write what.

There is one set of rules for the process, as EPICS' asLib has it; before the first one
is loaded everything is allowed. The inputs of rules (INPA and so on) are PVs that a
Channel Access client inside this process subscribes to.
"""

from __future__ import annotations

import contextlib
import logging
import os
from collections.abc import Iterator, Mapping

from ..native import _access
from ..native._server import Server

_log = logging.getLogger("pcaspy.access")


class _Inputs:
    """Inputs are connected when they are wanted and there is a server."""

    wanted = False
    context_made = False  # the client's context, which keeps what the environment said


class _Loaded:
    """The file of the rules that hold."""

    last: tuple[str, str, bool] | None = None


_serving: dict[int, tuple[str, int]] = {}  # where searches are answered, by server


def load(filename: str, definitions: str = "", by_address: bool = False) -> None:
    """Replaces the rules by those of a file.

    Args:
        filename: An access security file.
        definitions: Macros of the file, as ``NAME=VALUE,NAME=VALUE``.
        by_address: Rules know clients by the address of their socket instead of the
            host name that they claim; names in a HAG are resolved now.

    Raises:
        OSError: The file cannot be read.
        ValueError: It is not valid: file, line and reason. The old rules stay.
    """
    with open(filename, "rb") as file:
        text = file.read()
    for warning in _access.load_access_rules(
        text, os.fspath(filename), definitions, by_address
    ):
        _log.warning("%s", warning)
    _Loaded.last = os.path.abspath(filename), definitions, by_address
    if _Inputs.wanted:
        start_inputs()


def load_again() -> None:
    """Loads the file of the rules again, with the same macros.

    Raises:
        OSError, ValueError: As `load`; the old rules stay.
        RuntimeError: No file was loaded.
    """
    if _Loaded.last is None:
        raise RuntimeError("no access security file was loaded")
    load(*_Loaded.last)


def as_definitions(macros: Mapping[str, object]) -> str:
    """Macros in the form that `load` wants."""

    def quoted(value: object) -> str:
        text = str(value).replace("\\", "\\\\").replace('"', '\\"')
        return f'"{text}"'

    return ",".join(f"{name}={quoted(value)}" for name, value in macros.items())


def start_inputs() -> None:
    """Connects the inputs of the rules: now, or when the first server serves.

    The client finds PVs where the environment of the process says (EPICS_CA_ADDR_LIST
    and others), and on the servers of this process that serve at the first start.

    Raises:
        RuntimeError: EPICS' libdbCore cannot be loaded, or this process was forked.
    """
    _Inputs.wanted = True
    if not _serving or not _access.has_access_inputs():
        return
    from epicscorelibs.lib import dbCore_dsoinfo  # type: ignore[import-untyped]

    with _own_servers_found():
        _access.start_access_inputs(dbCore_dsoinfo.filename)
    _Inputs.context_made = True


def stop_inputs() -> None:
    """Disconnects the inputs of the rules; what depends on them is refused."""
    _Inputs.wanted = False
    _access.stop_access_inputs()


def server_started(server: Server) -> None:
    """A server of this process answers searches."""
    _serving[id(server)] = (_address(server.interfaces), server.udp_port)
    if _Inputs.wanted:
        try:
            start_inputs()
        except RuntimeError:
            _log.exception("inputs of access security are not connected")


def server_stopped(server: Server) -> None:
    """That server is about to end. With the last one the inputs end, until the next."""
    _serving.pop(id(server), None)
    if not _serving:
        _access.stop_access_inputs()


def end_at_exit() -> None:
    """The interpreter ends: no thread of the client may be left."""
    _access.stop_access_inputs()


def after_fork_in_child() -> None:
    """Servers and inputs are the parent's."""
    _serving.clear()
    _Inputs.wanted = False


def _address(interfaces: list[str]) -> str:
    """Where this process reaches a server that is bound so."""
    return next((i for i in interfaces if i != "0.0.0.0"), "127.0.0.1")


@contextlib.contextmanager
def _own_servers_found() -> Iterator[None]:
    """The environment leads to the servers of this process while a context is made."""
    before = os.environ.get("EPICS_CA_ADDR_LIST")
    missing = [] if _Inputs.context_made else _not_found(before or "")
    if not missing:
        yield
        return
    os.environ["EPICS_CA_ADDR_LIST"] = " ".join([before or "", *missing]).strip()
    try:
        yield
    finally:
        if before is None:
            del os.environ["EPICS_CA_ADDR_LIST"]
        else:
            os.environ["EPICS_CA_ADDR_LIST"] = before


def _not_found(listed: str) -> list[str]:
    """Own servers that a client with this EPICS_CA_ADDR_LIST does not find."""
    usual = os.environ.get("EPICS_CA_SERVER_PORT") or "5064"
    automatic = os.environ.get("EPICS_CA_AUTO_ADDR_LIST", "").upper() != "NO"
    ports = {entry.partition(":")[2] or usual for entry in listed.split()}
    if automatic:
        ports.add(usual)
    return [
        f"{host}:{port}" for host, port in _serving.values() if str(port) not in ports
    ]
