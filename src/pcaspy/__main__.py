"""The command ``pcaspy``: serves the PVs that a file defines, or only checks it.

It also prints the JSON Schema of such files, and what a driver in C++ is compiled with.
"""

from __future__ import annotations

import argparse
import json
import logging
import shlex
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

from . import __version__
from .service.definition import Definition, DefinitionError, hints
from .service.read import read
from .service.schema import schema
from .service.serve import Service, log_hints

_LEVELS = ("debug", "info", "warning", "error")


def _port(text: str) -> int:
    if not text.isdecimal() or int(text) > 65535:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number from 0 to 65535")
    return int(text)


def command_line() -> argparse.ArgumentParser:
    """The parser of the arguments."""
    parser = argparse.ArgumentParser(prog="pcaspy", description=__doc__)
    parser.add_argument("--version", action="version", version=__version__)
    commands = parser.add_subparsers(dest="command", required=True)
    serve = commands.add_parser(
        "serve", help="serve the PVs of a .py, .yaml or .json file"
    )
    check = commands.add_parser("check", help="only look whether they could be served")
    for command in (serve, check):
        command.add_argument("file", type=Path)
        command.add_argument("--prefix", help="goes before each name, not the file's")
        command.add_argument("--list", action="store_true", help="print the names")
    serve.add_argument(
        "--port",
        type=_port,
        help="port for searches and connections, 0 for any free ones; default "
        "EPICS_CAS_SERVER_PORT or 5064",
    )
    serve.add_argument(
        "--log-level", choices=_LEVELS, default="info", help="default %(default)s"
    )
    serve.add_argument(
        "--reload", action="store_true", help="serve the file anew when it changes"
    )
    serve.add_argument(
        "--pva",
        action=argparse.BooleanOptionalAction,
        help="serve PVAccess, too; default what PCASPY_PVA says. Needs pcaspy[pva]",
    )
    serve.add_argument(
        "--fields",
        action=argparse.BooleanOptionalAction,
        help="PVs have the fields of records; default what PCASPY_FIELDS says",
    )
    commands.add_parser(
        "schema", help="print the JSON Schema of such files, for editors"
    )
    flags = commands.add_parser(
        "flags", help="print what a driver in C++ is compiled and linked with"
    )
    only = flags.add_mutually_exclusive_group()
    only.add_argument("--compile", action="store_true", help="only the compiler's")
    only.add_argument("--link", action="store_true", help="only the linker's")
    return parser


def _print_names(definition: Definition) -> None:
    for reason in definition.pvdb:
        print(definition.prefix + reason)


def _leave_hints_to_us() -> None:
    """Reports unknown fields here, with their lines."""
    logging.getLogger("pcaspy.pvdb.unknown").setLevel(logging.ERROR)


def _check(options: argparse.Namespace) -> None:
    logging.basicConfig(format="%(message)s")
    _leave_hints_to_us()
    definition = read(options.file, options.prefix)
    for hint in hints(definition):
        print(hint, file=sys.stderr)
    if options.list:
        _print_names(definition)
    else:
        print(f"{options.file}: {len(definition.pvdb)} PVs")


def _serve(options: argparse.Namespace) -> None:
    # SIGTERM ends as Ctrl-C does, also while a driver computes.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    logging.basicConfig(
        level=options.log_level.upper(),
        format="%(asctime)s %(levelname)s %(name)s: %(message)s",
    )
    _leave_hints_to_us()
    definition = read(options.file, options.prefix)
    log_hints(definition)
    with Service(
        definition, options.port, options.prefix, options.pva, options.fields
    ) as service:
        if options.list:
            _print_names(definition)
        served = f"serving {len(definition.pvdb)} PVs, {service.where()}"
        print(f"{options.file}: {served}", flush=True)
        service.run(options.reload)


def _schema(_options: argparse.Namespace) -> None:
    print(json.dumps(schema(), indent=2))


def _flags(options: argparse.Namespace) -> None:
    # What it asks of epicscorelibs takes long: only where it is asked for.
    from .service.flags import compile_flags, link_flags

    made = [] if options.link else compile_flags()
    made += [] if options.compile else link_flags()
    print(shlex.join(made))


_COMMANDS = {"serve": _serve, "check": _check, "schema": _schema, "flags": _flags}


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command.

    Returns:
        What the shell gets: 0 also after Ctrl-C and SIGTERM, 1 if the file or the port
        cannot be used, 2 if the arguments are wrong.
    """
    options = command_line().parse_args(arguments)
    try:
        _COMMANDS[options.command](options)
    except (DefinitionError, ImportError, OSError) as error:
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 0
    return 0


if __name__ == "__main__":
    sys.exit(main())
