"""``pcaspy misses``: names that clients search for and a server does not have."""

from __future__ import annotations

import argparse

from .ask import add_json, add_server, ago, ask, chosen, print_json, print_table

HELP = "print the names that clients search for and a running server does not have"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The server, and the form."""
    add_server(parser)
    add_json(parser)


def run(options: argparse.Namespace) -> None:
    """Prints them, the most frequent first."""
    answer = ask(chosen(options), "misses")
    if options.json:
        print_json(answer["rows"])
        return
    print_table(
        ("SEARCHES", "CLIENTS", "NAME", "LAST CLIENT", "LAST"),
        [
            (
                *(row["count"], row["clients"], row["name"], row["client"]),
                ago(row["last"]) + " ago",
            )
            for row in answer["rows"]
        ],
    )
