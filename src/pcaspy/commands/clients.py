"""``pcaspy clients``: who has circuits to a running server."""

from __future__ import annotations

import argparse

from .ask import add_json, add_server, ago, ask, chosen, print_json, print_table

HELP = "print the clients of a running server"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The server, and the form."""
    add_server(parser)
    add_json(parser)


def run(options: argparse.Namespace) -> None:
    """Prints a line for each circuit."""
    server = chosen(options)
    answer = ask(server, "circuits")
    rows = answer["rows"]
    while answer["rows"] and len(rows) < answer["total"]:
        answer = ask(server, "circuits", offset=len(rows))
        rows += answer["rows"]
    if options.json:
        print_json(rows)
        return
    print_table(
        ("USER", "HOST", "ADDRESS", "OVER", "CHANNELS", "SUBSCR.", "HELD", "SINCE"),
        [
            (
                *(row["user"], row["host"], row["address"], row["protocol"]),
                *(row["channels"], row["subscriptions"], row["held"]),
                ago(row["since"]),
            )
            for row in rows
        ],
    )
