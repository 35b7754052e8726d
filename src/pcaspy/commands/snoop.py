"""``pcaspy snoop``: who searches for what on the network, and who answers."""

from __future__ import annotations

import argparse
import json
import os
import shutil
import signal
import sys
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ..snoop.watch import Watch

HELP = "show which names clients search for, and those that no server has"

_PERIOD = 2.0
_ROWS = 50
_CLEAR = "\x1b[H\x1b[J"  # the cursor to the corner, and nothing behind it
_OTHER_LINES = 12  # of a terminal, for beacons and warnings


def _positive(text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = 0.0
    if not 0 < number < 1e9:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number above 0")
    return number


def _port(text: str) -> int:
    if not text.isdecimal() or not 0 < int(text) < 65536:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number from 1 to 65535")
    return int(text)


def _rows(text: str) -> int:
    if not text.isdecimal() or not 0 < int(text) <= 1_000_000:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number from 1 to 1000000")
    return int(text)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Where to listen, how long, and how to show it."""
    parser.add_argument(
        "--port",
        type=_port,
        help="port of searches; default EPICS_CA_SERVER_PORT or 5064",
    )
    parser.add_argument(
        "--repeater-port",
        type=_port,
        help="port of beacons; default EPICS_CA_REPEATER_PORT or 5065",
    )
    parser.add_argument(
        "--interface",
        default="0.0.0.0",
        metavar="ADDRESS",
        help="listen only in the network of this address of the host",
    )
    parser.add_argument(
        "--seconds", type=_positive, help="end after so long; default at Ctrl-C"
    )
    parser.add_argument(
        "--period",
        type=_positive,
        default=_PERIOD,
        help="seconds from one output to the next; default %(default)g",
    )
    parser.add_argument(
        "--rows", type=_rows, help="how many names are shown; default what fits, or 50"
    )
    parser.add_argument(
        "--json", action="store_true", help="an object in JSON for each period"
    )
    parser.add_argument(
        "--no-search",
        action="store_true",
        help="send nothing: which names are missing is unknown then",
    )
    parser.add_argument(
        "--pva",
        action="store_true",
        help="watch PVAccess, too, at EPICS_PVA_BROADCAST_PORT or 5076",
    )


def run(options: argparse.Namespace) -> None:
    """Watches until Ctrl-C, SIGTERM or the end of `--seconds`."""
    from ..snoop.pva_wire import PORT
    from ..snoop.settings import further_targets, port_of
    from ..snoop.watch import Watch
    from ..snoop.wire import CA

    signal.signal(signal.SIGTERM, signal.default_int_handler)
    port = options.port or port_of("EPICS_CA_SERVER_PORT", CA["SERVER_PORT"])
    watch = Watch(
        port,
        options.interface,
        options.repeater_port or port_of("EPICS_CA_REPEATER_PORT", CA["REPEATER_PORT"]),
        asks=not options.no_search,
        further=further_targets(port),
        pva_port=port_of("EPICS_PVA_BROADCAST_PORT", PORT) if options.pva else None,
    )
    for problem in watch.problems:
        print(f"not heard: {problem}", file=sys.stderr)
    where = ", ".join(watch.parts[0].listens_at)
    ports = " and ".join(str(part.port) for part in watch.parts)
    print(
        f"searches at {where}, port {ports}; Ctrl-C ends it",
        file=sys.stderr,
        flush=True,
    )
    try:
        _watch(watch, options)
    except BrokenPipeError:  # the reader has enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    finally:
        watch.close()


def _watch(watch: Watch, options: argparse.Namespace) -> None:
    from ..snoop.report import News, Report

    end = float("inf")
    if options.seconds is not None:
        end = time.monotonic() + options.seconds
    news = News(watch)
    table = sys.stdout.isatty() and not options.json
    try:
        while (now := time.monotonic()) < end:
            watch.run(min(now + options.period, end))
            if options.json:
                if time.monotonic() < end:
                    report = Report(watch, options.rows or _ROWS)
                    print(json.dumps(report.as_dict()), flush=True)
            elif table:
                size = shutil.get_terminal_size()
                rows = options.rows or max(size.lines - _OTHER_LINES, 5)
                lines = Report(watch, rows).lines()[: size.lines - 1]
                shown = "\n".join(line[: size.columns] for line in lines)
                print(f"{_CLEAR}{shown}", flush=True)
            else:
                for line in news.lines():
                    print(line)
                sys.stdout.flush()
    except KeyboardInterrupt:
        pass
    last = Report(watch, options.rows or _ROWS)
    if options.json:
        print(json.dumps(last.as_dict(last=True)), flush=True)
    else:
        print(_CLEAR if table else "", end="")
        print("\n".join(last.lines()), flush=True)
