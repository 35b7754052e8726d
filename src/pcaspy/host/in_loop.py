"""Handles an engine's requests in an event loop of the program, which never waits."""

from __future__ import annotations

import contextlib
import select
import threading
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from ..native._server import Bell, Server

if TYPE_CHECKING:
    import asyncio

_PERIOD = 0.1  # seconds until the engine's log is looked at


class Turns:
    """Calls ``turn()`` in the running event loop whenever there are requests.

    Args:
        engine: Whose requests they are.
        turn: Handles some of them; whether it is to be called again.
        loop: The running event loop.
    """

    def __init__(
        self,
        engine: Server,
        turn: Callable[[], bool],
        loop: asyncio.AbstractEventLoop,
    ) -> None:
        self._engine = engine
        self._turn = turn
        self._loop = loop
        self._ended: asyncio.Future[None] = self._loop.create_future()
        self._bell = Bell(engine)
        self._timer: asyncio.Handle | None = None
        self._again = False  # there is a next turn
        self._thread: _Listener | None = None

    async def run(self) -> None:
        """Until `turn` says that it is the last one, or `end()`.

        Raises:
            Exception: What `turn` raised.
        """
        with self._listening():
            self._tick()
            try:
                await self._ended
            finally:
                if self._timer is not None:
                    self._timer.cancel()

    @property
    def goes_on(self) -> bool:
        """False once the loop is closed, which ends all that was in it."""
        return not self._loop.is_closed()

    def ask(self, answer: Callable[[], None]) -> None:
        """Has the event loop call ``answer()`` with its next turn. Any thread."""
        with contextlib.suppress(RuntimeError):  # the loop is closed
            self._loop.call_soon_threadsafe(answer)

    def end(self) -> None:
        """Any thread."""
        with contextlib.suppress(RuntimeError):  # the loop is closed
            self._loop.call_soon_threadsafe(self._end)

    def _end(self) -> None:
        if not self._ended.done():
            self._ended.set_result(None)

    @contextlib.contextmanager
    def _listening(self) -> Iterator[None]:
        self._bell.hang()
        try:
            try:
                self._loop.add_reader(self._bell.fileno(), self._rung)
            except NotImplementedError:  # Windows' proactor
                self._thread = _Listener(self._bell, self._loop, self._rung)
            yield
        finally:
            self._bell.take_down()
            if self._thread is not None:
                self._thread.stop()
            elif not self._loop.is_closed():
                self._loop.remove_reader(self._bell.fileno())

    def _rung(self) -> None:
        self._bell.clear()
        self._take_turn()
        if self._thread is not None:
            self._thread.go_on()

    def _tick(self) -> None:
        self._timer = self._loop.call_later(_PERIOD, self._tick)
        self._take_turn()

    def _go_on(self) -> None:
        self._again = False
        self._take_turn()

    def _take_turn(self) -> None:
        if self._ended.done():
            return
        try:
            more = self._turn()
        except (KeyboardInterrupt, SystemExit):
            raise  # they end the loop
        except BaseException as error:
            if not self._ended.done():
                self._ended.set_exception(error)
            return
        if more and not self._again:
            self._again = True
            self._loop.call_soon(self._go_on)


class _Listener:
    """Waits for the bell in a thread, where a loop cannot watch descriptors."""

    def __init__(
        self, bell: Bell, loop: asyncio.AbstractEventLoop, rung: Callable[[], None]
    ) -> None:
        self._bell, self._loop, self._rung = bell, loop, rung
        self._taken = threading.Event()
        self._stopped = False
        threading.Thread(target=self._run, name="pcaspy bell", daemon=True).start()

    def go_on(self) -> None:
        """The bell was cleared."""
        self._taken.set()

    def stop(self) -> None:
        """Ends the thread, soon."""
        self._stopped = True
        self._bell.ring()
        self._taken.set()

    def _run(self) -> None:
        while not self._stopped:
            select.select([self._bell], [], [])
            if self._stopped:
                return
            self._taken.clear()
            try:
                self._loop.call_soon_threadsafe(self._rung)
            except RuntimeError:  # it is closed
                return
            self._taken.wait()
