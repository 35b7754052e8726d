"""``pcaspy serve``: serves the PVs of a file."""

from __future__ import annotations

import argparse
import logging
import os
import re
import signal
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from ..control.folder import SUPPORTED
from ..host.options import CONTROL, control_name
from ..service.read import read
from ..service.serve import AccessFile, Service, log_hints
from .files import add_file, leave_hints_to_us, print_names

HELP = "serve the PVs of a .py, .yaml or .json file"

_LEVELS = ("debug", "info", "warning", "error")
# Arguments that are options of the server, of the same names.
_OF_SERVER = ("port", "pva", "fields", "control", "put_log", "state", "autosave")


def _port(text: str) -> int:
    if not text.isdecimal() or int(text) > 65535:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number from 0 to 65535")
    return int(text)


def _put_log(text: str) -> str:
    from ..putlog.options import parsed

    try:
        parsed(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None
    return text


def _macro(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals or not name:
        raise argparse.ArgumentTypeError(f"{text!r} is not NAME=VALUE")
    return name, value


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
        "--access", type=Path, metavar="FILE", help="rules of access security"
    )
    parser.add_argument(
        "--macro",
        type=_macro,
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="a macro of the access file; may be given again",
    )
    _add_server_options(parser)


def _add_server_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--put-log",
        type=_put_log,
        metavar="TARGET",
        help="write down puts: a file, tcp://host:port of a log server, or YES for the "
        "log; options behind it, as in puts.log,which=trapwrite,burst=0. Default what "
        "PCASPY_PUT_LOG says",
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
    parser.add_argument(
        "--control",
        action=argparse.BooleanOptionalAction,
        help="whether pcaspy list, top and others can look into it; default what "
        "PCASPY_CONTROL says, or else yes",
    )
    parser.add_argument(
        "--metrics-port",
        type=_port,
        metavar="PORT",
        help="serve the counters for Prometheus on this TCP port of 127.0.0.1. Needs "
        "pcaspy[metrics]",
    )
    parser.add_argument(
        "--state",
        metavar="FILE",
        help="keep values of PVs with the field 'autosave' there; default PCASPY_STATE",
    )
    parser.add_argument(
        "--autosave",
        action="append",
        metavar="NAME",
        help="keep the value of this PV, too; with * and ?, of all like it",
    )
    parser.add_argument(
        "--status",
        metavar="PREFIX",
        help="serve status PVs, too, with this before each name: IOC1:HEARTBEAT",
    )


def _control(given: bool | None, path: Path) -> bool | str:
    """On where it can be, unless something says no; called as the file is."""
    if given is None and not os.environ.get(CONTROL, "").strip():
        given = SUPPORTED
    name = control_name(given)
    if name == "" and SUPPORTED:
        stem = re.sub(r"[^\w.:-]", "_", path.stem)[:60]
        return f"server-{stem}" if re.fullmatch(r"[0-9-]*", stem) else stem
    return False if name is None else name or True


def run(options: argparse.Namespace) -> None:
    """Serves until Ctrl-C or SIGTERM; SIGHUP reloads the files."""
    # SIGTERM ends as Ctrl-C does, also while a driver computes.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    hangup = _HangUp()
    logging.basicConfig(
        level=options.log_level.upper(),
        format="%(asctime)s %(levelname)s %(name)s: %(message)s",
    )
    leave_hints_to_us()
    definition = read(options.file, options.prefix)
    log_hints(definition)
    options.control = _control(options.control, options.file)
    of_server = {name: getattr(options, name) for name in _OF_SERVER}
    access = options.access and AccessFile(options.access, dict(options.macro))
    with ExitStack() as ends:
        service = Service(
            definition, options.prefix, access, status=options.status, **of_server
        )
        ends.enter_context(service)
        hangup.then(service.hang_up)
        if options.list:
            print_names(definition)
        served = f"serving {len(definition.pvdb)} PVs, {service.where()}"
        if options.metrics_port is not None:
            name = str(options.control or options.file.stem)
            metrics = service.serve_metrics(options.metrics_port, name)
            ends.callback(metrics.close)
            served += f"; metrics on port {metrics.port}"
        print(f"{options.file}: {served}", flush=True)
        service.run(options.reload)


class _HangUp:
    """SIGHUP: reload, or, if it was sent as the terminal went away, end."""

    def __init__(self) -> None:
        self._had_terminal = _has_terminal()
        self._came = False
        self._call: Any = None
        if hasattr(signal, "SIGHUP"):
            signal.signal(signal.SIGHUP, self._on_signal)

    def then(self, call: Any) -> None:
        """What a signal calls from now on, and at once if one has come."""
        self._call = call
        if self._came:
            call()

    def _on_signal(self, number: int, frame: object) -> None:
        if self._had_terminal and not _has_terminal():
            raise KeyboardInterrupt
        self._came = True
        if self._call is not None:
            self._call()


def _has_terminal() -> bool:
    try:
        os.close(os.open("/dev/tty", os.O_RDONLY | os.O_NOCTTY))
    except (OSError, AttributeError):  # there is no such thing on Windows
        return False
    return True
