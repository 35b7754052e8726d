"""The commands get, put, monitor and info: what EPICS' tools of that kind do."""

from __future__ import annotations

import asyncio
import logging
import sys
from typing import Any

from aioca._catools import caget, camonitor, caput, connect
from aioca._epics import cadef, dbr
from aioca._errors import CANothing, CARefused
from aioca._search import few, where_searched
from aioca.channel import CAInfo, Channel, get_channel
from aioca.native import _context
from aioca.tools.options import Options, fail, parse
from aioca.tools.output import (
    CLASS_NAME,
    STSACK_STRING,
    TYPES,
    details,
    elements,
    name_text,
    now_text,
    type_name,
    unescape,
    value_text,
    wide_line,
)

STATES = ("never connected", "previously connected", "connected", "closed")
FORMATS = (dbr.FORMAT_RAW, dbr.FORMAT_TIME, dbr.FORMAT_TIME, dbr.FORMAT_CTRL,
           dbr.FORMAT_CTRL)  # fmt: skip


def run(command: str, arguments: list[str]) -> int:
    """Runs a command and returns its exit status.

    Raises:
        Finished: The options ended the command.
    """
    options = parse(command, arguments)
    if not options.arguments and not options.interest:
        fail(f"No pv name specified. {options.hint()}")
    if command == "put" and len(options.arguments) == 1:
        fail(f"No value specified. {options.hint()}")
    _context.set_priority(options.priority)
    try:
        return asyncio.run(COMMANDS[command](options))
    except CARefused as error:
        text = cadef.ca_message(error.errorcode)
        fail(f"CA error {text} occurred while trying to create channel '{error.name}'.")


async def connect_all(names: list[str], options: Options) -> bool:
    """Connects and complains about those that are not found in time.

    Raises:
        CARefused: libca does not accept a name.
    """
    for name in names:
        get_channel(name)
    outcomes = await connect(names, timeout=patience(options), throw=False)
    missing = [
        name for name, outcome in zip(names, outcomes, strict=True) if not outcome
    ]
    if not missing:
        return True
    if len(names) > 1:
        text = f"some PV(s) not found. Missing: {few(missing)}."
    else:
        text = f"'{names[0]}' not found."
    print(
        f"Channel connect timed out: {text} Searched {where_searched()} "
        f"for {max(options.seconds, 0):g} s.",
        file=sys.stderr,
    )
    return False


def patience(options: Options) -> float | None:
    """The time to wait; 0 seconds mean no limit, as with libca."""
    return options.seconds or None


# ---- get ---------------------------------------------------------------------------


async def get(options: Options) -> int:
    """Reads PVs and prints them in the order of the command line."""
    names = options.arguments
    found = await connect_all(names, options)
    values = await asyncio.gather(*(read(name, options) for name in names))
    if not any(get_channel(name).connected() for name in names):
        return 1
    if any(is_timeout(value) for value in values):
        print("Read operation timed out: some PV data was not read.", file=sys.stderr)
    for name, value in zip(names, values, strict=True):
        print_value(name, value, options)
    return 0 if found and all(value.ok for value in values) else 1


def is_timeout(value: Any) -> bool:
    """Whether a read was not answered in time."""
    return isinstance(value, CANothing) and value.errorcode == cadef.ECA_TIMEOUT


async def read(name: str, options: Options) -> Any:
    """The value of a connected PV with what the output needs; or what went wrong."""
    channel = get_channel(name)
    if not channel.connected():
        return CANothing(name, cadef.ECA_DISCONN)
    datatype, form = request_of(channel, options)
    # Without -c EPICS' tool reads arrays in their full size.
    count = options.style.count or (0 if options.callback else -1)
    return await caget(
        name,
        datatype=datatype,
        format=form,
        count=count,
        timeout=patience(options),
        throw=False,
    )


def request_of(channel: Channel, options: Options) -> tuple[Any, Any]:
    """Datatype and format to ask for."""
    code = options.code
    if options.form == "typed":
        if code in (STSACK_STRING, CLASS_NAME):
            return code, dbr.FORMAT_RAW
        base: Any = bytes if code % 7 == dbr.DBR_STRING else code % 7
        return base, FORMATS[code // 7]
    native = channel.native_type
    is_real = native in (dbr.DBR_FLOAT, dbr.DBR_DOUBLE)
    if native == dbr.DBR_ENUM:
        base = dbr.DBR_SHORT if options.style.enum_as_number else bytes
    elif native == dbr.DBR_STRING or (is_real and options.reals_as_text):
        base = bytes
    else:
        base = native
    return base, dbr.FORMAT_TIME


def trouble(value: Any) -> str | None:
    """What to print in place of a value that could not be read."""
    if value.ok:
        return None
    texts = {
        cadef.ECA_DISCONN: "*** not connected",
        368: "*** no read access",
        cadef.ECA_TIMEOUT: "*** no data available (timeout)",
    }
    other = f"*** CA error {cadef.ca_message(value.errorcode)}"
    return texts.get(value.errorcode, other)


def print_value(name: str, value: Any, options: Options) -> None:
    """Prints a value, or what went wrong, in the form that the options ask for."""
    style, wrong = options.style, trouble(value)
    if options.form == "typed":
        print_typed(name, value, options)
    elif options.form == "wide":
        if wrong is None:
            print(wide_line(value, style))
        elif not get_channel(name).connected():
            print(name_text(name, 0, style) + "*** Not connected (PV not found)")
        else:
            print(f"{name_text(name, 0, style)}{now_text()} {wrong}")
    else:
        size = len(elements(value)) if wrong is None else 0
        head = "" if options.form == "terse" else name_text(name, size, style)
        print(head + (wrong or value_text(value, style)))


def print_typed(name: str, value: Any, options: Options) -> None:
    """Prints a value with all that its DBR type carries."""
    print(name)
    wrong = trouble(value)
    if wrong is not None:
        print(f"    {wrong}")
        return
    code = options.code
    print(f"    Native data type: DBF_{TYPES[get_channel(name).native_type]}")
    print(f"    Request type:     {type_name(code)}")
    if code == CLASS_NAME:
        print(f"    Class Name:       {value_text(value, options.style, False)}")
        return
    print(f"    Element count:    {len(elements(value))}")
    print(f"    Value:            {value_text(value, options.style, False)}")
    for line in details(value, code):
        print(line)


# ---- put ---------------------------------------------------------------------------


async def put(options: Options) -> int:
    """Writes one PV and prints its value before and after."""
    name, *words = options.arguments
    if not await connect_all([name], options):
        return 1
    value, datatype = await value_to_put(name, words, options)
    fine = True
    if options.form != "terse":
        fine = await print_now("Old : ", name, options)
    complaint, done = await write(name, value, datatype, options)
    if complaint is not None:
        print(complaint, file=sys.stderr)
    if done:
        head = "New : " if options.form != "terse" else ""
        fine = await print_now(head, name, options) and fine
    return 0 if fine and complaint is None else 1


async def print_now(head: str, name: str, options: Options) -> bool:
    """Prints a PV's present value and returns whether it could be read."""
    value = await read(name, options)
    if is_timeout(value):
        print("Read operation timed out: PV data was not read.", file=sys.stderr)
    print(head, end="")
    print_value(name, value, options)
    return bool(value.ok)


async def value_to_put(name: str, words: list[str], options: Options) -> Any:
    """The value that the command line means, and the datatype to send it as."""
    if options.array:
        words = words[1:]  # a number of elements, which nobody looks at
    else:
        words = [" ".join(words)]
    if get_channel(name).native_type == dbr.DBR_ENUM:
        return await enum_to_put(name, words, options)
    raw = [unescape(word) for word in words]
    if options.style.text:
        return raw[0] + b"\0", dbr.DBR_CHAR_STR
    return [word[:39] for word in raw], dbr.DBR_STRING


async def enum_to_put(name: str, words: list[str], options: Options) -> Any:
    """Labels, or numbers where there is no such label."""
    value = await caget(
        name, format=dbr.FORMAT_CTRL, timeout=patience(options), throw=False
    )
    if not value.ok:
        fail("Read operation timed out: ENUM data was not read.")
    labels = value.enums
    texts = [unescape(word)[:39].decode(errors="replace") for word in words]
    if not options.style.enum_as_number and all(text in labels for text in texts):
        return texts, dbr.DBR_STRING
    numbers = []
    for text in texts:
        number = leading_real(text)
        if options.style.enum_as_number:
            if number is None:
                fail(f"Enum index value '{text}' is not a number.")
        elif text in labels:
            number = float(labels.index(text))
        elif number is None or options.enum_as_text:
            fail(f"Enum string value '{text}' invalid.")
        if number >= len(labels):
            print(
                f"Warning: enum index value '{text}' may be too large.",
                file=sys.stderr,
            )
        numbers.append(number)
    return numbers, dbr.DBR_DOUBLE


def leading_real(text: str) -> float | None:
    """The number that a text begins with."""
    for end in range(len(text), 0, -1):
        try:
            return float(text[:end])
        except ValueError:
            continue
    return None


async def write(
    name: str, value: Any, datatype: Any, options: Options
) -> tuple[str | None, bool]:
    """Puts a value; the complaint if that failed, and whether the rest is to be done.

    As with EPICS' tool the new value is shown unless the put was refused at once.
    """
    failures: list[CANothing] = []
    loop = asyncio.get_running_loop()
    logging.getLogger("aioca").disabled = True  # the complaint says it
    loop.set_exception_handler(
        lambda loop, context: (
            failures.append(context["exception"])
            if isinstance(context.get("exception"), CANothing)
            else loop.default_exception_handler(context)
        )
    )
    try:
        await caput(
            name,
            value,
            datatype=datatype,
            wait=options.callback,
            timeout=patience(options),
        )
        if not options.callback:
            # The answer to a read behind it tells that the write has arrived, and that
            # the server has said what it thinks of it.
            await caget(name, timeout=patience(options), throw=False)
            if failures:
                raise failures[0]
    except CARefused as error:
        return f"Error from put operation: {cadef.ca_message(error.errorcode)}", False
    except CANothing as error:
        if error.errorcode == cadef.ECA_TIMEOUT:
            if options.callback:
                return "Write callback operation timed out", True
            return "Write operation timed out: Data was not written.", False
        text = cadef.ca_message(error.errorcode)
        return (
            f"Error occured writing data: {text}",  # codespell:ignore occured
            not options.callback,
        )
    return None, True


# ---- monitor -----------------------------------------------------------------------


async def monitor(options: Options) -> int:
    """Prints updates until it is interrupted."""
    names = options.arguments
    options.style.moments["start"] = (0.0, asyncio.get_running_loop().time())
    watched = [Watched(name, options) for name in names]
    await connect(names, timeout=patience(options), throw=False)
    for one in watched:
        one.complain_if_missing()
    await asyncio.Event().wait()
    return 0


class Watched:
    """One PV of the monitor command."""

    def __init__(self, name: str, options: Options) -> None:
        self.name = name
        self.options = options
        self.subscription: Any = None
        channel = get_channel(name)
        channel.add_watcher(self.on_change)

    def on_change(self, channel: Channel) -> None:
        """Subscribes as soon as the PV's type is known."""
        if self.subscription is None and channel.connected():
            datatype, _ = request_of(channel, self.options)
            self.subscription = camonitor(
                self.name,
                self.on_value,
                events=self.options.events,
                datatype=datatype,
                format=dbr.FORMAT_TIME,
                count=min(self.options.style.count, channel.element_count),
                all_updates=True,
                notify_disconnect=True,
            )

    def on_value(self, value: Any) -> None:
        """Prints an update, or that the connection is lost."""
        if value.ok:
            print(wide_line(value, self.options.style), flush=True)
            return
        lost = value.errorcode == cadef.ECA_DISCONN
        wrong = "*** disconnected" if lost else trouble(value)
        head = name_text(self.name, 0, self.options.style)
        print(f"{head}{now_text()} {wrong}", flush=True)

    def complain_if_missing(self) -> None:
        """Reports that the PV was not found, if so."""
        if self.subscription is None and not get_channel(self.name).connected():
            head = name_text(self.name, 0, self.options.style)
            print(f"{head}*** Not connected (PV not found)", flush=True)


# ---- info --------------------------------------------------------------------------


async def info(options: Options) -> int:
    """Prints what is known about PVs."""
    names = options.arguments
    found = not names or await connect_all(names, options)
    if options.interest:
        sys.stdout.flush()
        _context.print_status(options.interest)
        return 0 if found else 1
    for name in names:
        if not get_channel(name).connected():
            continue
        about = CAInfo(name, get_channel(name))
        native = TYPES[about.datatype]
        access = ("" if about.read else "no ") + "read, "
        access += ("" if about.write else "no ") + "write"
        print(f"""{name}
    State:            {STATES[about.state]}
    Host:             {about.host}
    Access:           {access}
    Native data type: DBF_{native}
    Request type:     DBR_{native}
    Element count:    {about.count}""")
    return 0 if found else 1


COMMANDS = {"get": get, "put": put, "monitor": monitor, "info": info}
