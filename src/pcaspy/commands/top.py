"""``pcaspy top``: a view of a running server in the terminal."""

from __future__ import annotations

import argparse
import sys

from ..control.client import Found, found
from .ask import add_server, chosen

HELP = "watch a running server in the terminal"

_NEEDS = "pcaspy top needs Textual: pip install 'pcaspy[top]'"


def _interval(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0.0
    if not 0.1 <= seconds <= 3600.0:
        raise argparse.ArgumentTypeError(f"{text!r} is not from 0.1 to 3600 seconds")
    return seconds


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Which server, and how it is shown."""
    add_server(parser)
    parser.add_argument(
        "--interval",
        type=_interval,
        default=1.0,
        help="seconds between refreshes, default %(default)g",
    )
    parser.add_argument(
        "--theme",
        choices=("dark", "light", "terminal"),
        help="colours; terminal: those of the terminal. Default by the terminal",
    )


def run(options: argparse.Namespace) -> None:
    """Shows it until q or Ctrl-C."""
    try:
        import textual as _textual  # noqa: F401
    except ModuleNotFoundError as error:
        raise ImportError(_NEEDS) from error
    from ..top.app import TopApp, default_theme

    if not (sys.stdin.isatty() and sys.stdout.isatty() and sys.stderr.isatty()):
        raise OSError("pcaspy top needs a terminal; pcaspy stats and clients print")
    server = _wanted(options)
    theme = options.theme or default_theme()
    TopApp(server, options.interval, theme).run()


def _wanted(options: argparse.Namespace) -> Found | None:
    """None if there are several to choose from.

    Raises:
        OSError: There is none.
    """
    if options.server is None and len(found()) > 1:
        return None
    return chosen(options)
