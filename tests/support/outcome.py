"""What a server did with some bytes, as short words that a table can hold.

`["ERROR BADTYPE", "close"]` reads: an ERROR with that status, then the circuit ended.
"""

from __future__ import annotations

from . import wire
from .wire import Circuit, Closed, Message

STATUS = {
    value: name[4:] for name, value in vars(wire).items() if name.startswith("ECA_")
}
COMMAND = {
    wire.VERSION: "VERSION",
    wire.READ: "READ",
    wire.SEARCH: "SEARCH",
    wire.READ_SYNC: "READ_SYNC",
    wire.CLEAR_CHANNEL: "CLEAR_CHANNEL",
    wire.NOT_FOUND: "NOT_FOUND",
    wire.CREATE_CHAN: "CREATE_CHAN",
    wire.ACCESS_RIGHTS: "ACCESS_RIGHTS",
    wire.ECHO: "ECHO",
    wire.CREATE_CH_FAIL: "CREATE_CH_FAIL",
    wire.SERVER_DISCONN: "SERVER_DISCONN",
}
# Nothing is expected: the reference reads stale memory there.
ANYTHING: list[str] = ["anything"]


def word(message: Message) -> str:
    """One message as a word; replies that carry a status, with its name."""
    if message.command == wire.ERROR:
        return "ERROR " + STATUS.get(message.p2, str(message.p2))
    if message.command in (wire.READ_NOTIFY, wire.WRITE_NOTIFY):
        name = "READ_NOTIFY" if message.command == wire.READ_NOTIFY else "WRITE_NOTIFY"
        return f"{name} {STATUS.get(message.p1, message.p1)}"
    if message.command == wire.EVENT_ADD:
        if not message.payload and message.p1 not in STATUS:
            return "CANCELLED"
        return f"UPDATE {STATUS.get(message.p1, message.p1)}"
    return COMMAND.get(message.command, f"command {message.command}")


def outcome(circuit: Circuit, data: bytes, *, bytewise: bool = False) -> list[str]:
    """Send `data` and an ECHO; the words that came before the echo or the end."""
    mark = b"outcome!"
    circuit.send_hostile(data[:512], bytewise=bytewise)
    circuit.send_hostile(data[512:] + wire.pack(wire.ECHO, mark))
    words = []
    while True:
        try:
            message = circuit.receive()
        except Closed:
            return [*words, "close"]
        if message.command == wire.ERROR:
            check_error(message)
        if message.command == wire.ECHO and message.payload == mark:
            return words
        words.append(word(message))


def check_error(error: Message) -> None:
    """An ERROR must be harmless to clients: bounded, with a terminated text."""
    size = int.from_bytes(error.payload[2:4], "big")
    text = error.payload[24 if size == wire.EXTENDED else 16 :]
    assert b"\0" in text, f"text without NUL: {error}"
    assert text.partition(b"\0")[0], f"no text: {error}"
    assert len(error.payload) <= 512
