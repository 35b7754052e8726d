"""``pcaspy metrics``: the counters of running servers for Prometheus."""

from __future__ import annotations

import argparse

from ..control.client import Found, found
from ..control.metrics import Server, text
from .ask import add_server, ask, chosen

HELP = "print the counters of running servers in Prometheus' text format"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The server."""
    add_server(parser)


def run(options: argparse.Namespace) -> None:
    """Prints those of one server, or of all."""
    servers = found() if options.server is None else [chosen(options)]
    print(text([_asked(server) for server in servers if server.name]), end="")


def _asked(server: Found) -> Server:
    hello, stats = ask(server, "hello"), ask(server, "stats")
    return Server(
        name=hello["name"],
        number=f"{server.pid}-{server.number}",
        version=hello["version"],
        started=hello["started"],
        counters=stats["counters"],
        kinds=stats["kinds"],
        meanings=stats["meanings"],
    )
