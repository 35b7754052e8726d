"""``pcaspy list``: the running servers of this user."""

from __future__ import annotations

import argparse
from typing import Any

from ..control.client import Control, ControlError, Found, found
from .ask import add_json, ago, print_json, print_table

HELP = "list the running servers of this user on this host"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Only the form."""
    add_json(parser)


def run(options: argparse.Namespace) -> None:
    """Prints a line for each."""
    servers = [row for server in found() if (row := _row(server)) is not None]
    if options.json:
        print_json(servers)
    elif not servers:
        print("no server of this user runs here with control on")
    else:
        print_table(
            ("PID", "NAME", "PVS", "CLIENTS", "TCP", "UDP", "PVA TCP", "UP"),
            [
                (
                    row["pid"],
                    row["name"] or "(does not answer)",
                    *(row.get(name) for name in ("pvs", "clients", "tcp_port")),
                    *(row.get(name) for name in ("udp_port", "pva_tcp_port")),
                    ago(row["started"]) if "started" in row else None,
                )
                for row in servers
            ],
        )


def _row(server: Found) -> dict[str, Any] | None:
    """What it says of itself; None if it has ended meanwhile."""
    row: dict[str, Any] = {"pid": server.pid, "name": server.name}
    row["socket"] = str(server.path)
    if not server.name:
        return row
    try:
        with Control(server.path, timeout=2.0) as control:
            row.update(control.ask("hello"))
            counters = control.ask("stats")["counters"]
    except TimeoutError:
        return row
    except (OSError, ControlError):
        return None
    row["clients"] = counters["circuits"] + counters.get("pva_connections", 0)
    return row
