"""Puts that are answered later: `asyn` PVs, and drivers with ``async def write``."""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from collections.abc import Callable, Coroutine
from typing import Any

from ._engine import NORMAL, PUTFAIL, Request

MAX_POSTPONED = 1000  # put callbacks of one PV that wait for the one before them


class _Busy:
    """The put callback of a PV that is carried out, and those after it."""

    __slots__ = ("current", "waiting")

    def __init__(self, current: Request) -> None:
        self.current = current
        self.waiting: deque[Request] = deque()


class AsynPuts:
    """Put callbacks of `asyn` PVs: one at a time for each PV, in order of arrival.

    Args:
        wake: Called, in any thread, when `take_ready()` has something.
    """

    def __init__(self, wake: Callable[[], None]) -> None:
        self._wake = wake
        self._lock = threading.Lock()  # guards all below
        self._busy: dict[Any, _Busy] = {}
        self._ready: deque[Request] = deque()

    def begin(self, pv: Any, request: Request) -> bool:
        """True if `request` is to be carried out now; else it is kept or refused."""
        with self._lock:
            busy = self._busy.get(pv)
            if busy is None:
                self._busy[pv] = _Busy(request)
                return True
            full = len(busy.waiting) >= MAX_POSTPONED
            if not full:
                busy.waiting.append(request)
        if full:
            request.complete(PUTFAIL)
        else:
            request.defer()
        return False

    def pending(self, pv: Any, request: Request) -> bool:
        """True while `request` is the one that `pv` is busy with."""
        with self._lock:
            busy = self._busy.get(pv)
            return busy is not None and busy.current is request

    def end(
        self, pv: Any, status: int = NORMAL, request: Request | None = None
    ) -> None:
        """Answers what `pv` is busy with and readies the next. Any thread.

        With `request` only if it is that one.
        """
        with self._lock:
            busy = self._busy.get(pv)
            if busy is None or request not in (None, busy.current):
                return
            done = busy.current
            if busy.waiting:
                busy.current = busy.waiting.popleft()
                self._ready.append(busy.current)
            else:
                del self._busy[pv]
            ready = bool(self._ready)
        done.complete(status)
        if ready:
            self._wake()

    def take_ready(self) -> Request | None:
        """The next postponed put callback whose turn has come."""
        with self._lock:
            return self._ready.popleft() if self._ready else None


async def _cancel_all() -> None:
    tasks = asyncio.all_tasks() - {asyncio.current_task()}
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


class Coroutines:
    """Runs coroutines of drivers in an event loop with a thread of its own.

    Those of one PV run one after the other, in the order of the puts.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._turns: dict[Any, asyncio.Lock] = {}  # event loop's thread only

    def run(
        self,
        pv: Any,
        coroutine: Coroutine[Any, Any, Any],
        done: Callable[[Any, BaseException | None], None],
    ) -> None:
        """Runs `coroutine`, then ``done(result, error)`` in the event loop's thread."""
        asyncio.run_coroutine_threadsafe(
            self._run(pv, coroutine, done), self._running_loop()
        )

    async def _run(
        self,
        pv: Any,
        coroutine: Coroutine[Any, Any, Any],
        done: Callable[[Any, BaseException | None], None],
    ) -> None:
        turn = self._turns.setdefault(pv, asyncio.Lock())
        async with turn:
            result: Any = None
            error: BaseException | None = None
            try:
                result = await coroutine
            except asyncio.CancelledError as cancelled:
                error = cancelled
            except Exception as raised:
                error = raised
            done(result, error)

    def _running_loop(self) -> asyncio.AbstractEventLoop:
        with self._lock:
            if self._loop is None:
                self._loop = loop = asyncio.new_event_loop()
                threading.Thread(
                    target=self._serve, args=(loop,), name="pcaspy async", daemon=True
                ).start()
            return self._loop

    @staticmethod
    def _serve(loop: asyncio.AbstractEventLoop) -> None:
        try:
            loop.run_forever()
            loop.run_until_complete(_cancel_all())
        finally:
            loop.close()

    def stop(self) -> None:
        """Cancels what runs; puts that it was for fail."""
        with self._lock:
            loop, self._loop = self._loop, None
        if loop is not None:
            loop.call_soon_threadsafe(loop.stop)
        self._turns = {}

    def forget_threads(self) -> None:
        """After fork() in the child, where the thread does not exist."""
        self._lock = threading.Lock()
        self._loop = None
        self._turns = {}
