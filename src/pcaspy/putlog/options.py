"""Where a server's puts are written down, and which of them."""

from __future__ import annotations

import logging
import math
import os
from typing import Any, Literal
from urllib.parse import urlsplit

VARIABLE = "PCASPY_PUT_LOG"
PORT = 7011  # where log servers take puts from IOCs by default

Which = Literal["all", "accepted", "trapwrite"]
PutLogTarget = bool | str | os.PathLike[str] | logging.Logger | logging.Handler
_WHICH = ("all", "accepted", "trapwrite")


class PutLog:
    """Where the puts of a server are written down: ``SimpleServer(put_log=...)``.

    Args:
        target: The path of a file, which gets a line of JSON for each put;
            ``"tcp://host:port"`` of a log server, which gets the lines that IOCs with
            caPutLog send; a logger or a handler of `logging`; or True for the logger
            ``pcaspy.putlog``. Without a port it is 7011.
        which: ``"all"`` puts, those that were ``"accepted"``, or those that a rule of
            access security with TRAPWRITE allows (``"trapwrite"``).
        burst: Puts of numbers by one client to one PV within so many seconds are one
            record; 0 for a record of each put.
        max_bytes: The size at which a file is renamed and a new one begun.
        backups: How many old files are kept, named ``.1``, ``.2`` and so on.
        prefix: Goes before each line for a log server, as the ``iocLogPrefix`` of an
            IOC.

    Raises:
        TypeError: The target is none of these.
        ValueError: Another argument is not allowed.

    Example::

        server = SimpleServer(put_log=PutLog("puts.log", which="accepted", burst=0))
    """

    def __init__(
        self,
        target: PutLogTarget,
        *,
        which: Which = "all",
        burst: float = 5.0,
        max_bytes: int = 10_000_000,
        backups: int = 5,
        prefix: str = "",
    ) -> None:
        known = (str, os.PathLike, logging.Logger, logging.Handler)
        if target is not True and not isinstance(target, known):
            raise TypeError(
                f"the target of a put log is {target!r}: a path, 'tcp://host:port', a"
                " logger, a handler or True is allowed"
            )
        self.target = target
        self.which = _one_of("which", which, _WHICH)
        self.burst = _number("burst", burst, 0, 86_400)
        self.max_bytes = int(_number("max_bytes", max_bytes, 1000, 1e15))
        self.backups = int(_number("backups", backups, 0, 1000))
        if not isinstance(prefix, str) or "\n" in prefix:
            raise ValueError(f"prefix is {prefix!r}: text of one line is allowed")
        self.prefix = prefix
        if self.is_log_server:
            self.address()

    def __repr__(self) -> str:
        """As it was made."""
        return f"PutLog({self.target!r}, which={self.which!r}, burst={self.burst:g})"

    @property
    def is_log_server(self) -> bool:
        """Whether the target is a log server."""
        return isinstance(self.target, str) and self.target.lower().startswith("tcp:")

    def address(self) -> tuple[str, int]:
        """Host and port of a log server.

        Raises:
            ValueError: It has none.
        """
        text = str(self.target)
        try:
            parts = urlsplit(text)
            port = PORT if parts.port is None else parts.port
        except ValueError as error:
            raise ValueError(f"put log {text!r}: {error}") from None
        if not parts.hostname or parts.path not in ("", "/") or not port:
            raise ValueError(
                f"put log {text!r}: tcp://host or tcp://host:port is meant"
            )
        return parts.hostname, port


def _one_of(name: str, value: Any, allowed: tuple[str, ...]) -> Any:
    if value not in allowed:
        raise ValueError(f"{name} is {value!r}: one of {', '.join(allowed)} is allowed")
    return value


def _number(name: str, value: Any, least: float, most: float) -> float:
    right = isinstance(value, int | float) and not isinstance(value, bool)
    if not right or not math.isfinite(value) or not least <= value <= most:
        raise ValueError(
            f"{name} is {value!r}: a number from {least:g} to {most:g} is allowed"
        )
    return float(value)


_NUMBERS = ("burst", "max_bytes", "backups")
_OPTIONS = ("which", "prefix", *_NUMBERS)


def parsed(text: str) -> PutLog | None:
    """What a text means: ``TARGET`` or ``TARGET,OPTION=VALUE,...``; None for NO.

    Raises:
        ValueError: An option does not exist or has a value that is not allowed.
    """
    target, *rest = text.split(",")
    options: dict[str, Any] = {}
    for part in rest:
        name, equals, value = part.partition("=")
        name = name.strip()
        if name not in _OPTIONS or not equals:
            raise ValueError(
                f"put log {text!r}: {part!r} is not one of"
                f" {', '.join(f'{option}=' for option in _OPTIONS)}"
            )
        options[name] = _as_number(value) if name in _NUMBERS else value.strip()
    target = target.strip()
    if target.upper() in ("NO", "0"):
        return None
    if not target:
        raise ValueError(f"put log {text!r}: a path, tcp://host:port or YES is missing")
    return PutLog(True if target.upper() in ("YES", "1") else target, **options)


def _as_number(text: str) -> Any:
    try:
        number = float(text)
    except ValueError:
        return text
    return int(number) if number.is_integer() else number


def chosen(given: Any) -> PutLog | None:
    """What ``SimpleServer(put_log=given)`` means; None for what the environment says.

    Raises:
        TypeError: It is nothing that can be a put log.
        ValueError: The text, or that of the environment, has a wrong option.
    """
    if given is None:
        text = os.environ.get(VARIABLE, "").strip()
        try:
            return parsed(text) if text else None
        except ValueError as error:
            raise ValueError(f"{VARIABLE}: {error}") from None
    if given is False:
        return None
    if isinstance(given, PutLog):
        return given
    return parsed(given) if isinstance(given, str) else PutLog(given)
