"""Where libca looks for PVs, in words: what the EPICS_CA_ variables say.

libca reads them once, when its first channel is made. So they are noted just before.
"""

from __future__ import annotations

import os

_VARIABLES = (
    "EPICS_CA_ADDR_LIST",
    "EPICS_CA_AUTO_ADDR_LIST",
    "EPICS_CA_NAME_SERVERS",
    "EPICS_CA_SERVER_PORT",
)
_DEFAULT_PORT = 5064
#: libca takes no port up to this one
_RESERVED_PORTS = 5000
_SHOWN = 10
_noted: dict[str, str] = {}


def _settings() -> dict[str, str]:
    return {name: os.environ.get(name, "") for name in _VARIABLES}


def note_settings() -> None:
    """Remembers the settings that libca is about to read."""
    _noted.update(_settings())


def few(names: list[str]) -> str:
    """The first names of a list, and how many there are besides."""
    more = len(names) - _SHOWN
    return ", ".join(names[:_SHOWN]) + (f" and {more} more" if more > 0 else "")


def _port(text: str) -> int:
    try:
        port = int(text)
    except ValueError:
        return _DEFAULT_PORT
    return port if _RESERVED_PORTS < port < 1 << 16 else _DEFAULT_PORT


def _with_port(addresses: str, port: int) -> list[str]:
    return [one if ":" in one else f"{one}:{port}" for one in addresses.split()]


def where_searched() -> str:
    """What follows "searched" in a message."""
    now = _settings()
    read = _noted or now
    port = _port(read["EPICS_CA_SERVER_PORT"])
    automatic = read["EPICS_CA_AUTO_ADDR_LIST"]
    places = []
    listed = _with_port(read["EPICS_CA_ADDR_LIST"], port)
    if listed:
        places.append(few(listed))
    if "no" not in automatic and "NO" not in automatic:
        places.append(f"the networks of this host by broadcast to port {port}")
    servers = _with_port(read["EPICS_CA_NAME_SERVERS"], port)
    if servers:
        places.append(f"the name servers {few(servers)}")
    if not places:
        places = ["nowhere: EPICS_CA_ADDR_LIST is empty, EPICS_CA_AUTO_ADDR_LIST is NO"]
    text = " and ".join(places)
    if now != read:
        changed = [name for name in _VARIABLES if now[name] != read[name]]
        text += f" ({', '.join(changed)} changed too late: libca reads it once)"
    return text
