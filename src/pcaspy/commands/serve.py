"""``pcaspy serve``: serves the PVs of a file."""

from __future__ import annotations

import argparse
import logging
import signal

from ..service.read import read
from ..service.serve import Service, log_hints
from .files import add_file, leave_hints_to_us, print_names

HELP = "serve the PVs of a .py, .yaml or .json file"

_LEVELS = ("debug", "info", "warning", "error")
# Arguments that are options of the server, of the same names.
_OF_SERVER = ("port", "pva", "fields")


def _port(text: str) -> int:
    if not text.isdecimal() or int(text) > 65535:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number from 0 to 65535")
    return int(text)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The file, and what its server is to have."""
    add_file(parser)
    parser.add_argument(
        "--port",
        type=_port,
        help="port for searches and connections, 0 for any free ones; default "
        "EPICS_CAS_SERVER_PORT or 5064",
    )
    parser.add_argument(
        "--log-level", choices=_LEVELS, default="info", help="default %(default)s"
    )
    parser.add_argument(
        "--reload", action="store_true", help="serve the file anew when it changes"
    )
    parser.add_argument(
        "--pva",
        action=argparse.BooleanOptionalAction,
        help="serve PVAccess, too; default what PCASPY_PVA says. Needs pcaspy[pva]",
    )
    parser.add_argument(
        "--fields",
        action=argparse.BooleanOptionalAction,
        help="PVs have the fields of records; default what PCASPY_FIELDS says",
    )


def run(options: argparse.Namespace) -> None:
    """Serves until Ctrl-C or SIGTERM."""
    # SIGTERM ends as Ctrl-C does, also while a driver computes.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    logging.basicConfig(
        level=options.log_level.upper(),
        format="%(asctime)s %(levelname)s %(name)s: %(message)s",
    )
    leave_hints_to_us()
    definition = read(options.file, options.prefix)
    log_hints(definition)
    of_server = {name: getattr(options, name) for name in _OF_SERVER}
    with Service(definition, options.prefix, **of_server) as service:
        if options.list:
            print_names(definition)
        served = f"serving {len(definition.pvdb)} PVs, {service.where()}"
        print(f"{options.file}: {served}", flush=True)
        service.run(options.reload)
