"""``pcaspy stats``: the counters of a running server."""

from __future__ import annotations

import argparse

from .ask import add_json, add_server, ask, chosen, print_json, print_table

HELP = "print the counters of a running server"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The server, and the form."""
    add_server(parser)
    add_json(parser)


def run(options: argparse.Namespace) -> None:
    """Prints them."""
    answer = ask(chosen(options), "stats")
    if options.json:
        print_json(answer)
        return
    meanings = answer["meanings"]
    print_table(
        ("COUNT", "NAME", "MEANING"),
        [
            (count, name, meanings.get(name, ""))
            for name, count in answer["counters"].items()
        ],
    )
