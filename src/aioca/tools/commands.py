"""The commands get, put, monitor and info: what EPICS' tools of that kind do."""

from __future__ import annotations

import sys
import time

from aioca._search import few, where_searched
from aioca.native import _context
from aioca.native._plain import Client, Subscription, ca_message
from aioca.native._plain_values import (
    CLASS_NAME,
    DISCONNECTED,
    DOUBLE,
    ENUM,
    FLOAT,
    NO_READ_ACCESS,
    SHORT,
    STRING,
    STSACK_STRING,
    TIMEOUT,
    Failure,
    Value,
    wire_type,
)
from aioca.tools.options import Options, fail, parse
from aioca.tools.output import (
    CTRL,
    GR,
    STS,
    TIME,
    TYPES,
    details,
    name_text,
    now_text,
    type_name,
    unescape,
    value_text,
    wide_line,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from aioca.native._plain import Channel


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
    return COMMANDS[command](Client(), options)


def open_all(client: Client, names: list[str]) -> list[Channel]:
    """The channels of these names, with nothing known about them yet."""
    try:
        return [client.channel(name) for name in names]
    except Failure as error:
        text = ca_message(error.errorcode)
        fail(f"CA error {text} occurred while trying to create channel '{error.name}'.")


def connect_all(client: Client, names: list[str], options: Options) -> list[Channel]:
    """Connects and complains about those that are not found in time."""
    channels = open_all(client, names)
    client.connect(patience(options))
    missing = [channel.name for channel in channels if not channel.connected]
    if missing:
        if len(names) > 1:
            text = f"some PV(s) not found. Missing: {few(missing)}."
        else:
            text = f"'{names[0]}' not found."
        print(
            f"Channel connect timed out: {text} Searched {where_searched()} "
            f"for {max(options.seconds, 0):g} s.",
            file=sys.stderr,
        )
    return channels


def patience(options: Options) -> float | None:
    """The time to wait; 0 seconds mean no limit, as with libca."""
    return options.seconds or None


# ---- get ---------------------------------------------------------------------------


def get(client: Client, options: Options) -> int:
    """Reads PVs and prints them in the order of the command line."""
    channels = connect_all(client, options.arguments, options)
    found = all(channel.connected for channel in channels)
    values = read(client, channels, options)
    if not any(channel.connected for channel in channels):
        return 1
    if any(is_timeout(value) for value in values):
        print("Read operation timed out: some PV data was not read.", file=sys.stderr)
    for channel, value in zip(channels, values, strict=True):
        print_value(channel, value, options)
    return 0 if found and all(value.ok for value in values) else 1


def is_timeout(value: Value | Failure) -> bool:
    """Whether a read was not answered in time."""
    return isinstance(value, Failure) and value.errorcode == TIMEOUT


def read(
    client: Client, channels: Sequence[Channel], options: Options
) -> list[Value | Failure]:
    """The values of connected PVs with what the output needs; or what went wrong."""
    requests = [
        (channel, type_to_request(channel, options), size_to_request(channel, options))
        for channel in channels
        if channel.connected
    ]
    values = iter(client.get(requests, patience(options)) if requests else ())
    asked = {id(channel) for channel, *_ in requests}
    return [
        next(values) if id(channel) in asked else Failure(channel.name, DISCONNECTED)
        for channel in channels
    ]


def type_to_request(channel: Channel, options: Options) -> int:
    """The DBR type to ask for."""
    code = options.code
    if options.form == "typed":
        if code in (STSACK_STRING, CLASS_NAME):
            return code
        kind, base = divmod(code, len(TYPES))
        return wire_type(base, kind in (STS, TIME), kind in (GR, CTRL))
    base = channel.native_type
    if base == ENUM:
        base = SHORT if options.style.enum_as_number else STRING
    elif base in (FLOAT, DOUBLE) and options.reals_as_text:
        base = STRING
    return wire_type(base, time=True)


def size_to_request(channel: Channel, options: Options) -> int:
    """The number of elements to ask for, 0 for as many as there are now."""
    # Without -c EPICS' tool reads arrays in their full size.
    count = options.style.count or (0 if options.callback else -1)
    return channel.element_count if count < 0 else min(count, channel.element_count)


def trouble(failure: Failure) -> str:
    """What to print in place of a value that could not be read."""
    texts = {
        DISCONNECTED: "*** not connected",
        NO_READ_ACCESS: "*** no read access",
        TIMEOUT: "*** no data available (timeout)",
    }
    other = f"*** CA error {ca_message(failure.errorcode)}"
    return texts.get(failure.errorcode, other)


def print_value(channel: Channel, value: Value | Failure, options: Options) -> None:
    """Prints a value, or what went wrong, in the form that the options ask for."""
    style, name = options.style, channel.name
    if options.form == "typed":
        print_typed(channel, value, options)
    elif options.form == "wide":
        if isinstance(value, Value):
            print(wide_line(value, style))
        elif not channel.connected:
            print(name_text(name, 0, style) + "*** Not connected (PV not found)")
        else:
            print(f"{name_text(name, 0, style)}{now_text()} {trouble(value)}")
    else:
        size = 0
        if isinstance(value, Value):
            size, text = len(value.elements), value_text(value, style)
        else:
            text = trouble(value)
        head = "" if options.form == "terse" else name_text(name, size, style)
        print(head + text)


def print_typed(channel: Channel, value: Value | Failure, options: Options) -> None:
    """Prints a value with all that its DBR type carries."""
    print(channel.name)
    if isinstance(value, Failure):
        print(f"    {trouble(value)}")
        return
    code = options.code
    print(f"    Native data type: DBF_{TYPES[channel.native_type]}")
    print(f"    Request type:     {type_name(code)}")
    if code == CLASS_NAME:
        print(f"    Class Name:       {value_text(value, options.style, False)}")
        return
    print(f"    Element count:    {len(value.elements)}")
    print(f"    Value:            {value_text(value, options.style, False)}")
    for line in details(value, code):
        print(line)


# ---- put ---------------------------------------------------------------------------


def put(client: Client, options: Options) -> int:
    """Writes one PV and prints its value before and after."""
    name, *words = options.arguments
    (channel,) = connect_all(client, [name], options)
    if not channel.connected:
        return 1
    value = value_to_put(client, channel, words, options)
    fine = True
    if options.form != "terse":
        fine = print_now("Old : ", client, channel, options)
    complaint, done = write(client, channel, value, options)
    if complaint is not None:
        print(complaint, file=sys.stderr)
    if done:
        head = "New : " if options.form != "terse" else ""
        fine = print_now(head, client, channel, options) and fine
    return 0 if fine and complaint is None else 1


def print_now(head: str, client: Client, channel: Channel, options: Options) -> bool:
    """Prints a PV's present value and returns whether it could be read."""
    (value,) = read(client, [channel], options)
    if is_timeout(value):
        print("Read operation timed out: PV data was not read.", file=sys.stderr)
    print(head, end="")
    print_value(channel, value, options)
    return value.ok


def value_to_put(
    client: Client, channel: Channel, words: list[str], options: Options
) -> bytes | list[bytes] | list[float]:
    """What the command line means, as `Client.put` takes it."""
    if options.array:
        words = words[1:]  # a number of elements, which nobody looks at
    else:
        words = [" ".join(words)]
    if channel.native_type == ENUM:
        return enum_to_put(client, channel, words, options)
    raw = [unescape(word) for word in words]
    if options.style.text:
        return raw[0] + b"\0"
    return [word[:39] for word in raw]


def enum_to_put(
    client: Client, channel: Channel, words: list[str], options: Options
) -> list[bytes] | list[float]:
    """Labels, or numbers where there is no such label."""
    request = (channel, wire_type(ENUM, control=True), 1)
    (value,) = client.get([request], patience(options))
    if isinstance(value, Failure):
        fail("Read operation timed out: ENUM data was not read.")
    labels: list[str] = value.enums
    texts = [unescape(word)[:39].decode(errors="replace") for word in words]
    if not options.style.enum_as_number and all(text in labels for text in texts):
        return [text.encode() for text in texts]
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
    return numbers


def leading_real(text: str) -> float | None:
    """The number that a text begins with."""
    for end in range(len(text), 0, -1):
        try:
            return float(text[:end])
        except ValueError:
            continue
    return None


def write(
    client: Client,
    channel: Channel,
    value: bytes | list[bytes] | list[float],
    options: Options,
) -> tuple[str | None, bool]:
    """Puts a value; the complaint if that failed, and whether the rest is to be done.

    As with EPICS' tool the new value is shown unless the put was refused at once.
    """
    said: list[int] = []

    def note(name: str, text: str, status: int) -> None:
        if name:
            said.append(status)

    client.complain = note  # the complaint says it
    failure = client.put(channel, value, options.callback, patience(options))
    if failure is None and not options.callback:
        # The answer to a read behind it tells that the write has arrived, and that
        # the server has said what it thinks of it.
        size = channel.element_count
        client.get([(channel, channel.native_type, size)], patience(options))
        if said:
            failure = Failure(channel.name, said[0])
    if failure is None:
        return None, True
    text = ca_message(failure.errorcode)
    if failure.refused and failure.errorcode != DISCONNECTED:
        return f"Error from put operation: {text}", False
    if failure.errorcode == TIMEOUT:
        if options.callback:
            return "Write callback operation timed out", True
        return "Write operation timed out: Data was not written.", False
    return (
        f"Error occured writing data: {text}",  # codespell:ignore occured
        not options.callback,
    )


# ---- monitor -----------------------------------------------------------------------


def monitor(client: Client, options: Options) -> int:
    """Prints updates until it is interrupted."""
    options.style.moments["start"] = (0.0, time.time())
    interested: dict[object, list[Watched]] = {}
    for channel in open_all(client, options.arguments):
        one = Watched(client, channel, options, interested)
        interested.setdefault(channel, []).append(one)
    watched = [one for several in interested.values() for one in several]
    seconds = patience(options)
    end = None if seconds is None else time.monotonic() + seconds
    client.connect(0)
    while True:
        for ready in client.wait(end):
            for one in interested.get(ready, ()):
                one.on_ready(ready)
        if end is not None and time.monotonic() >= end:
            end = None
            for one in watched:
                one.complain_if_missing()


class Watched:
    """One PV of the monitor command."""

    def __init__(
        self,
        client: Client,
        channel: Channel,
        options: Options,
        interested: dict[object, list[Watched]],
    ) -> None:
        self.client = client
        self.channel = channel
        self.options = options
        self.interested = interested
        self.subscription: Subscription | None = None

    def on_ready(self, ready: object) -> None:
        """Looks at what its subscription has, or at its channel, which has changed."""
        if isinstance(ready, Subscription):
            for value in ready.take():
                self.print_update(value)
        elif self.subscription is None and self.channel.connected:
            self.subscribe()

    def subscribe(self) -> None:
        """Asks for updates, as the PV's type is known now."""
        channel, count = self.channel, self.options.style.count
        size = channel.element_count
        self.subscription = self.client.subscribe(
            channel,
            type_to_request(channel, self.options),
            size if count < 0 else min(count, size),
            self.options.events,
        )
        self.interested[self.subscription] = [self]

    def print_update(self, value: Value | Failure) -> None:
        """Prints an update, or that the connection is lost."""
        if isinstance(value, Value):
            print(wide_line(value, self.options.style), flush=True)
            return
        lost = value.errorcode == DISCONNECTED
        wrong = "*** disconnected" if lost else trouble(value)
        head = name_text(self.channel.name, 0, self.options.style)
        print(f"{head}{now_text()} {wrong}", flush=True)

    def complain_if_missing(self) -> None:
        """Reports that the PV was not found, if so."""
        if self.subscription is None:
            head = name_text(self.channel.name, 0, self.options.style)
            print(f"{head}*** Not connected (PV not found)", flush=True)


# ---- info --------------------------------------------------------------------------


def info(client: Client, options: Options) -> int:
    """Prints what is known about PVs."""
    channels = connect_all(client, options.arguments, options)
    found = all(channel.connected for channel in channels)
    if options.interest:
        sys.stdout.flush()
        _context.print_status(options.interest)
        return 0 if found else 1
    for channel in channels:
        if not channel.connected:
            continue
        native = TYPES[channel.native_type]
        access = ("" if channel.readable else "no ") + "read, "
        access += ("" if channel.writable else "no ") + "write"
        print(f"""{channel.name}
    State:            connected
    Host:             {channel.host}
    Access:           {access}
    Native data type: DBF_{native}
    Request type:     DBR_{native}
    Element count:    {channel.element_count}""")
    return 0 if found else 1


COMMANDS = {"get": get, "put": put, "monitor": monitor, "info": info}
