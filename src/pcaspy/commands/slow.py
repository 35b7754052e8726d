"""``pcaspy slow``: reads and writes of drivers that take long."""

from __future__ import annotations

import argparse

from .ask import add_json, add_server, ago, ask, chosen, print_json, print_table

HELP = "print which reads and writes of a running server's drivers take long"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The server, and the form."""
    add_server(parser)
    add_json(parser)


def run(options: argparse.Namespace) -> None:
    """Prints those that run, then the slowest."""
    answer = ask(chosen(options), "slow")
    if options.json:
        print_json(answer)
        return
    rows = [(row, "now") for row in answer["running"]]
    rows += [(row, ago(row["when"]) + " ago") for row in answer["rows"]]
    print_table(
        ("SECONDS", "CALL", "PV", "BEGAN", "WHERE", "LINE"),
        [
            (row["seconds"], row["call"], row["pv"], when, row["where"], row["line"])
            for row, when in rows
        ],
    )
