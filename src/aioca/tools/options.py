"""The options of EPICS' command line tools, with their complaints."""

from __future__ import annotations

import os
import sys

from aioca.native import _context
from aioca.native._plain_values import CLASS_NAME
from aioca.tools.help import usage
from aioca.tools.output import KINDS, TYPES, Style

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import NoReturn

DEFAULT_SECONDS = 1.0
HIGHEST_PRIORITY = 99
MOST_DIGITS = 18

OPTIONS = {
    "get": "taicnhsSVe:f:g:l:#:d:0:w:p:F:",
    "put": "cnlhatsVS#:w:p:F:",
    "monitor": "nhVm:sSe:f:g:l:#:0:w:t:p:F:",
    "info": "nhVw:s:p:",
}


class Options:
    """What the options of a command chose."""

    def __init__(self, command: str) -> None:
        self.command = command
        self.style = Style()
        self.seconds = DEFAULT_SECONDS
        self.priority = 0
        #: ``plain``, ``terse``, ``wide`` or ``typed``
        self.form = "plain"
        #: DBR code to ask for, -1 for none
        self.code = -1
        self.callback = False
        self.reals_as_text = False
        self.array = False
        self.enum_as_text = False
        self.events = 1 | 4
        self.interest = 0
        self.arguments: list[str] = []

    def hint(self) -> str:
        """Where to find help."""
        return f"('aioca {self.command} -h' for help.)"

    def complain(self, text: str) -> None:
        """Says that something was ignored."""
        print(text, file=sys.stderr)


class Finished(Exception):
    """The command is done before it began, with this exit status."""

    def __init__(self, status: int) -> None:
        super().__init__(status)
        self.status = status


def fail(text: str) -> NoReturn:
    """Ends the command with a complaint."""
    print(text, file=sys.stderr)
    raise Finished(1)


def parse(command: str, arguments: list[str]) -> Options:
    """Reads the options of a command.

    Raises:
        Finished: Help or a complaint was printed.
    """
    options = Options(command)
    options.seconds = seconds_from_environment(options)
    # A value to put may begin with a minus sign, so options end at the first name.
    ends = command == "put" or "POSIXLY_CORRECT" in os.environ
    found, options.arguments = split(options, arguments, ends)
    for letter, argument in found:
        apply(options, letter, argument)
    return options


def split(
    options: Options, arguments: list[str], end_at_name: bool
) -> tuple[list[tuple[str, str]], list[str]]:
    """The options with what they are given, and the other arguments.

    As the module getopt does it, which takes longer to import than this one.

    Raises:
        Finished: An option is unknown, or its argument is missing.
    """
    found: list[tuple[str, str]] = []
    names: list[str] = []
    rest = iter(arguments)
    for word in rest:
        if word == "--":
            break
        if word == "-" or not word.startswith("-"):
            names.append(word)
            if end_at_name:
                break
        elif word.startswith("--"):
            name = word[2:].partition("=")[0]
            fail(f"Unrecognized option: '-{name}'. {options.hint()}")
        else:
            found += letters_of(word[1:], rest, options)
    return found, names + list(rest)


def letters_of(
    letters: str, rest: Iterator[str], options: Options
) -> list[tuple[str, str]]:
    """The options in one word; the argument of the last one may be the next word."""
    known = OPTIONS[options.command]
    found = []
    while letters:
        letter, letters = letters[0], letters[1:]
        if letter == ":" or letter not in known:
            fail(f"Unrecognized option: '-{letter}'. {options.hint()}")
        argument = ""
        if f"{letter}:" in known:
            following = letters or next(rest, None)
            if following is None:
                fail(f"Option '-{letter}' requires an argument. {options.hint()}")
            argument, letters = following, ""
        found.append((letter, argument))
    return found


def seconds_from_environment(options: Options) -> float:
    """The time to wait that EPICS_CLI_TIMEOUT sets."""
    text = os.environ.get("EPICS_CLI_TIMEOUT")
    if text is None:
        return DEFAULT_SECONDS
    try:
        return float(text)
    except ValueError:
        options.complain(
            f"'{text}' is not a valid timeout value (from 'EPICS_CLI_TIMEOUT' in the "
            f"environment) - ignored. (use '-h' for help.)"
        )
        return DEFAULT_SECONDS


def apply(options: Options, letter: str, argument: str) -> None:
    """Applies one option."""
    command, style = options.command, options.style
    if letter == "h":
        print(usage(command, DEFAULT_SECONDS), file=sys.stderr)
        raise Finished(0)
    if letter == "V":
        print_version()
        raise Finished(0)
    if letter in "wp#":
        apply_number(options, letter, argument)
    elif letter in "efg":
        apply_digits(options, letter, argument)
    elif letter in "l0" and command != "put":
        apply_base(options, letter, argument)
    elif letter == "F":
        style.separator = argument[:1] or " "
    elif letter == "n":
        style.enum_as_number, options.enum_as_text = True, False
    elif letter == "c":
        options.callback = True
    elif letter == "S":
        style.text, options.array = True, False
    elif letter == "m":
        apply_events(options, argument)
    elif letter == "s":
        apply_s(options, argument)
    elif letter == "t" and command == "monitor":
        apply_stamps(options, argument)
    elif letter in "tald":
        apply_form(options, letter, argument)


def apply_number(options: Options, letter: str, argument: str) -> None:
    """``-w``, ``-p`` and ``-#``."""
    if letter == "w":
        try:
            options.seconds = float(argument)
        except ValueError:
            options.complain(
                f"'{argument}' is not a valid timeout value - ignored, using "
                f"'{options.seconds:.1f}'. {options.hint()}"
            )
        return
    number = leading_number(argument)
    if number is None:
        what = "CA priority" if letter == "p" else "array element count"
        options.complain(f"'{argument}' is not a valid {what} - ignored. "
                         f"{options.hint()}")  # fmt: skip
        number = 0
    if letter == "p":
        options.priority = min(max(number, 0), HIGHEST_PRIORITY)
    else:
        options.style.count = number


def leading_number(text: str) -> int | None:
    """The number at the beginning of a text."""
    text = text.lstrip()
    end = 1 if text.startswith(("-", "+")) else 0
    first = end
    while text[end : end + 1].isdecimal():
        end += 1
    return int(text[:end]) if end > first else None


def apply_digits(options: Options, letter: str, argument: str) -> None:
    """``-e``, ``-f`` and ``-g``."""
    digits = leading_number(argument)
    if digits is None:
        options.complain(
            f"Invalid precision argument '{argument}' for option '-{letter}' - ignored."
        )
    elif 0 <= digits <= MOST_DIGITS:
        options.style.real = f"%-.{digits}{letter}"
    else:
        options.complain(
            f"Precision {digits} for option '-{letter}' out of range - ignored."
        )


def apply_base(options: Options, letter: str, argument: str) -> None:
    """``-lx``, ``-0x`` and the like."""
    kind = argument[:1]
    if kind not in ("x", "b", "o"):
        options.complain(
            f"Invalid argument '{argument}' for option '-{letter}' - ignored."
        )
    elif letter == "l":
        options.style.real_as_whole = kind
    else:
        options.style.whole = kind


def apply_events(options: Options, argument: str) -> None:
    """``-m``: which events a monitor is for."""
    bits = {"v": 1, "l": 2, "a": 4, "p": 8}
    if not argument or set(argument) - bits.keys():
        options.complain(f"Invalid argument '{argument}' for option '-m' - ignored.")
        return
    options.events = sum(bits[letter] for letter in set(argument))


def apply_s(options: Options, argument: str) -> None:
    """``-s``, which each command has its own meaning for."""
    if options.command == "info":
        level = leading_number(argument)
        if level is None:
            options.complain(
                f"'{argument}' is not a valid interest level - ignored. "
                f"{options.hint()}"
            )
        options.interest = level or 0
    elif options.command == "put":
        options.enum_as_text, options.style.enum_as_number = True, False
    else:
        options.reals_as_text = True


def apply_stamps(options: Options, argument: str) -> None:
    """``-t`` of monitor: sources and kind of time stamps."""
    style = options.style
    style.server_time = style.client_time = False
    for letter in argument:
        if letter == "s":
            style.server_time = True
        elif letter == "c":
            style.client_time = True
        elif letter in "riI":
            style.relative = letter
        elif letter != "n":
            options.complain(f"Invalid argument '{letter}' for option '-t' - ignored.")


def apply_form(options: Options, letter: str, argument: str) -> None:
    """``-t``, ``-a``, ``-d`` of get; ``-t``, ``-l``, ``-a`` of put."""
    if options.command == "put":
        if letter == "a":
            options.array, options.style.text = True, False
        else:
            options.form = "terse" if letter == "t" else "wide"
        return
    if options.form != "plain":
        options.complain(f"Options t,d,a are mutually exclusive. {options.hint()}")
    options.form = {"t": "terse", "a": "wide", "d": "typed"}[letter]
    if letter == "d":
        code = type_code(argument)
        if code is None:
            options.complain(
                f"Requested dbr type out of range or invalid - ignored. "
                f"{options.hint()}"
            )
            options.form = "plain"
        else:
            options.code = code


def type_code(text: str) -> int | None:
    """The DBR code that a number or a name, with or without DBR_, stands for."""
    number = leading_number(text)
    if number is None:
        name = text.upper().removeprefix("DBR_").replace("INT", "SHORT")
        names = {
            kind + plain: 7 * k + t
            for k, kind in enumerate(KINDS)
            for t, plain in enumerate(TYPES)
        }
        names |= {"STSACK_STRING": 37, "CLASS_NAME": CLASS_NAME}
        number = names.get(name, -1)
    valid = 0 <= number <= CLASS_NAME and number not in (35, 36)
    return number if valid else None


def print_version() -> None:
    """The line of ``-V``."""
    from epicscorelibs.version import base_version  # type: ignore[import-untyped]

    release = base_version.partition(".99.")[0]
    print(
        f"\nEPICS Version EPICS {release}, "
        f"CA Protocol version {_context.protocol_version()}"
    )
