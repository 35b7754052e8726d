"""The connection to a server, in a thread: the view never waits for a socket.

The thread asks one thing at a time. A request that still waits is replaced by a newer
one with its key, so that a slow server is asked for what is wanted now. When the server
ends, the thread looks for one of its name until there is one.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from ..control.client import Control, ControlError, Found, found

RETRY = 1.0  # seconds until it looks again for a server that has ended
_ANSWER = 20.0  # after as many it asks again
_HELLO = 2.0
_PUT = 3600.0  # a driver may need long, and a person watches


@dataclass(frozen=True)
class Request:
    """What is asked; the answer has the same object."""

    do: str
    arguments: dict[str, Any] = field(default_factory=dict)
    owner: object = None  # for which widget
    key: object = None  # a newer one with this key replaces it while it waits


@dataclass(frozen=True)
class Connected:
    """A server has answered for the first time on this connection."""

    hello: dict[str, Any]


@dataclass(frozen=True)
class Lost:
    """The connection has ended, or there is no server; it is tried again."""

    why: str


@dataclass(frozen=True)
class Answer:
    """A result, or why there is none."""

    request: Request
    result: dict[str, Any]
    error: str | None
    seconds: float


Report = Connected | Lost | Answer


class Link:
    """Asks a server, and follows its name when it ends and comes back.

    Args:
        server: The one to begin with.
        deliver: Gets what there is to report, in the link's threads.
    """

    def __init__(self, server: Found, deliver: Callable[[Report], None]) -> None:
        self._server = server
        self._name = server.name
        self._deliver = deliver
        self._wanted: dict[object, Request] = {}
        self._change = threading.Condition()
        self._closed = False
        self._asked: float | None = None  # when, of what is not answered
        self._thread = threading.Thread(
            target=self._run, name="pcaspy-top-link", daemon=True
        )

    def start(self) -> None:
        """Begins to connect."""
        self._thread.start()

    def close(self) -> None:
        """Reports nothing more. A thread that waits for the server ends when it can."""
        with self._change:
            self._closed = True
            self._wanted.clear()
            self._change.notify_all()

    def ask(self, request: Request) -> None:
        """Has a request asked as soon as those before are answered."""
        with self._change:
            if not self._closed:
                self._wanted[(request.owner, request.key)] = request
                self._change.notify_all()

    def waiting(self) -> float | None:
        """Seconds that the server owes an answer, None if it owes none."""
        asked = self._asked
        return None if asked is None else time.monotonic() - asked

    def put(self, request: Request) -> None:
        """Asks on a connection for this alone: a driver may take its time."""
        threading.Thread(
            target=self._put, args=(request,), name="pcaspy-top-put", daemon=True
        ).start()

    # ---- the threads ----

    def _report(self, report: Report) -> None:
        if not self._closed:
            self._deliver(report)

    def _run(self) -> None:
        while not self._closed:
            try:
                with self._connected() as control:
                    self._serve(control)
            except (OSError, ControlError) as error:
                self._asked = None
                self._report(Lost(str(error) or type(error).__name__))
                with self._change:
                    if not self._closed:
                        self._change.wait(RETRY)

    def _connected(self) -> Control:
        """To the server of before, or to one that has its name now, the youngest.

        Raises:
            OSError: There is none.
        """
        try:
            return Control(self._server.path, timeout=_ANSWER)
        except OSError:
            named = [server for server in found() if server.name == self._name != ""]
            if not named:
                raise
        self._server = max(named, key=_started)
        return Control(self._server.path, timeout=_ANSWER)

    def _serve(self, control: Control) -> None:
        """Asks until the link is closed or the connection breaks."""
        hello = None
        while hello is None:
            hello = self._asked_of(control, Request("hello"))
        self._name = self._name or str(hello.result.get("name", ""))
        self._report(Connected(hello.result))
        while True:
            with self._change:
                while not self._wanted and not self._closed:
                    self._change.wait()
                if self._closed:
                    return
                request = self._wanted.pop(next(iter(self._wanted)))
            answer = self._asked_of(control, request)
            if answer is not None:
                self._report(answer)

    def _asked_of(self, control: Control, request: Request) -> Answer | None:
        """None if there was no answer in time."""
        begin = time.monotonic()
        if self._asked is None:
            self._asked = begin
        answer = _ask(control, request, begin)
        if answer is not None:
            self._asked = None
        return answer

    def _put(self, request: Request) -> None:
        begin = time.monotonic()
        try:
            with Control(self._server.path, timeout=_PUT) as control:
                answer = _ask(control, request, begin)
        except OSError as error:
            answer = Answer(request, {}, str(error), time.monotonic() - begin)
        if answer is None:
            answer = Answer(request, {}, "no answer", time.monotonic() - begin)
        self._report(answer)


def _ask(control: Control, request: Request, begin: float) -> Answer | None:
    result: dict[str, Any] = {}
    error = None
    try:
        result = control.ask(request.do, **request.arguments)
    except ControlError as refused:
        error = str(refused) or "refused"
    except TimeoutError:
        return None
    return Answer(request, result, error, time.monotonic() - begin)


def hello_of(server: Found) -> dict[str, Any]:
    """What a server says of itself; nothing if it does not answer."""
    try:
        with Control(server.path, timeout=_HELLO) as control:
            return control.ask("hello")
    except (OSError, ControlError):
        return {}


def _started(server: Found) -> float:
    started = hello_of(server).get("started")
    return float(started) if isinstance(started, int | float) else 0.0
