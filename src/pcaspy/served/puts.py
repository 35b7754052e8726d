"""Puts that are answered later: those of drivers with ``async def write``."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine
from typing import Any


async def _cancel_all() -> None:
    tasks = asyncio.all_tasks() - {asyncio.current_task()}
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


class _Turn:
    """The order of one PV's coroutines, for as long as there are any."""

    def __init__(self) -> None:
        self.lock = asyncio.Lock()
        self.users = 0


class Coroutines:
    """Runs coroutines of drivers in an event loop in a separate thread.

    Those of one PV run one after the other, in the order of the puts.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._turns: dict[int, _Turn] = {}  # by the PV's id; event loop's thread only

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
        turns = self._turns
        turn = turns.setdefault(id(pv), _Turn())
        turn.users += 1
        result: Any = None
        error: BaseException | None = None
        try:
            async with turn.lock:
                result = await coroutine
        except BaseException as raised:  # SystemExit would end the loop for all others
            error = raised
        finally:
            coroutine.close()  # if its turn never came
            turn.users -= 1
            if not turn.users:
                turns.pop(id(pv), None)
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
