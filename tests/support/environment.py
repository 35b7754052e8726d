"""EPICS environments that keep a server or a client on loopback and free ports."""

import os

from .ports import LOOPBACK, free_port


def without_epics() -> dict[str, str]:
    """This process's environment without any EPICS_* setting."""
    return {k: v for k, v in os.environ.items() if not k.startswith("EPICS_")}


def server_environment(port: int, **changes: str | None) -> dict[str, str]:
    """Settings for a server on loopback and `port`, silent unless asked.

    Args:
        port: Search port, and the TCP port the server tries first.
        changes: EPICS_* variables to add or replace; None removes one.
    """
    settings: dict[str, str | None] = {
        "EPICS_CAS_INTF_ADDR_LIST": LOOPBACK,
        "EPICS_CAS_SERVER_PORT": str(port),
        "EPICS_CAS_AUTO_BEACON_ADDR_LIST": "NO",
        "EPICS_PVAS_INTF_ADDR_LIST": LOOPBACK,
        "EPICS_PVAS_SERVER_PORT": "0",
        "EPICS_PVAS_BROADCAST_PORT": "0",
        "EPICS_CA_AUTO_ADDR_LIST": "NO",
        "EPICS_CA_ADDR_LIST": LOOPBACK,
        **changes,
    }
    chosen = {k: v for k, v in settings.items() if v is not None}
    return {**without_epics(), **chosen}


def client_environment(port: int, **changes: str) -> dict[str, str]:
    """Settings for a client that finds only the server on loopback and `port`."""
    return {
        **without_epics(),
        "EPICS_CA_ADDR_LIST": LOOPBACK,
        "EPICS_CA_AUTO_ADDR_LIST": "NO",
        "EPICS_CA_SERVER_PORT": str(port),
        "EPICS_CA_REPEATER_PORT": str(free_port()),
        **changes,
    }
