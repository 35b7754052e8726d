"""Coroutines of drivers: ``async def`` of `read` and `write`.

asyncio takes as long to import as all of pcaspy: functions that need it import it.
"""

from __future__ import annotations

import contextlib
import sys
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Hashable

TYPE_CHECKING = False  # typing takes long to import
if TYPE_CHECKING:
    import asyncio
    from typing import Any


class Later:
    """A coroutine that is to be run, and what is called at its end."""

    __slots__ = ("coroutine", "ended")

    def __init__(
        self,
        coroutine: Coroutine[Any, Any, Any],
        ended: Callable[[Any, BaseException | None], None],
    ) -> None:
        self.coroutine, self.ended = coroutine, ended

    async def run(self) -> None:
        """In the running event loop."""
        try:
            result = await self.coroutine
        except BaseException as error:
            self.ended(None, error)
        else:
            self.ended(result, None)


class _Turn:
    """The order of the coroutines with one key, for as long as there are any."""

    def __init__(self) -> None:
        import asyncio

        self.lock = asyncio.Lock()
        self.users = 0


class About:
    """Which call of a driver a coroutine is.

    Args:
        call: "write", "read" or "scan".
        pv: Of which PV.
    """

    __slots__ = ("call", "pv")

    def __init__(self, call: str, pv: Any) -> None:
        self.call, self.pv = call, pv


class _Job:
    """A coroutine, from `Coroutines.run` to its end."""

    __slots__ = ("about", "coroutine", "done", "loop", "task", "turn")

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        turn: Hashable,
        coroutine: Coroutine[Any, Any, Any],
        done: Callable[[Any, BaseException | None], None],
        about: About,
    ) -> None:
        self.loop, self.turn, self.coroutine, self.done = loop, turn, coroutine, done
        self.about = about
        self.task: asyncio.Task[None] | None = None  # once the loop has it

    def drop(self) -> None:
        """It never begins."""
        import asyncio

        self.coroutine.close()
        self.done(None, asyncio.CancelledError())


class Coroutines:
    """Runs coroutines in one event loop.

    That is the one that serves, or else the one that was given, or else one in a
    separate thread.
    """

    def __init__(self) -> None:
        self.given: asyncio.AbstractEventLoop | None = None  # that of the program
        self.serving: asyncio.AbstractEventLoop | None = None
        # What runs coroutines for us: it is awaited in place of them. None: nobody.
        self.through: (
            Callable[[str, Any, Coroutine[Any, Any, Any]], Awaitable[Any]] | None
        ) = None
        self._lock = threading.Lock()  # guards the next one
        self._own: asyncio.AbstractEventLoop | None = None
        self._jobs: set[_Job] = set()  # changed by one call at a time, in any thread
        self._turns: dict[Hashable, _Turn] = {}  # by event loop and key; the same

    @property
    def serves(self) -> bool:
        """All that drivers do is done in the event loop."""
        return self.serving is not None and not self.serving.is_closed()

    def run(
        self,
        turn: Hashable,
        coroutine: Coroutine[Any, Any, Any],
        done: Callable[[Any, BaseException | None], None],
        about: About,
    ) -> None:
        """Runs `coroutine`, then ``done(result, error)`` in the event loop's thread.

        Those with the same `turn` run one after the other, in the order of the calls;
        with None all at once.

        Raises:
            RuntimeError: The event loop is closed.
        """
        serving = self.serving if self.serves else None
        loop = serving or self.given or self._running_loop()
        job = _Job(loop, turn, coroutine, done, about)
        self._jobs.add(job)
        try:
            if _running() is loop:
                self._begin(job)
            else:
                loop.call_soon_threadsafe(self._begin, job)
        except BaseException:
            self._jobs.discard(job)
            coroutine.close()
            raise

    def _begin(self, job: _Job) -> None:
        if job not in self._jobs:  # cancelled meanwhile
            return
        job.task = job.loop.create_task(self._run(job))

        def ended(task: asyncio.Task[None]) -> None:
            self._jobs.discard(job)
            if task.cancelled():  # before it began
                job.drop()

        job.task.add_done_callback(ended)

    async def _run(self, job: _Job) -> None:
        result: Any = None
        error: BaseException | None = None
        try:
            if job.turn is None:
                result = await self._awaitable(job)
            else:
                async with self._in_turn((job.loop, job.turn)):
                    result = await self._awaitable(job)
        except BaseException as raised:  # SystemExit would end the loop for all others
            error = raised
        finally:
            job.coroutine.close()  # if its turn never came
        job.done(result, error)

    def _awaitable(self, job: _Job) -> Awaitable[Any]:
        through = self.through
        if through is None:
            return job.coroutine
        return through(job.about.call, job.about.pv, job.coroutine)

    @contextlib.asynccontextmanager
    async def _in_turn(self, key: Hashable) -> AsyncIterator[None]:
        turns = self._turns
        turn = turns.setdefault(key, _Turn())
        turn.users += 1
        try:
            async with turn.lock:
                yield
        finally:
            turn.users -= 1
            if not turn.users:
                turns.pop(key, None)

    def _running_loop(self) -> asyncio.AbstractEventLoop:
        import asyncio

        with self._lock:
            if self._own is None:
                self._own = loop = asyncio.new_event_loop()
                threading.Thread(
                    target=self._serve, args=(loop,), name="pcaspy async", daemon=True
                ).start()
            return self._own

    def _serve(self, loop: asyncio.AbstractEventLoop) -> None:
        try:
            loop.run_forever()
            loop.run_until_complete(self.cancel())
        finally:
            loop.close()

    async def cancel(self) -> None:
        """Cancels what runs in this event loop, and waits for its end."""
        import asyncio

        while tasks := self._cancel_all():
            await asyncio.wait(tasks)

    def _cancel_all(self) -> list[asyncio.Task[None]]:
        import asyncio

        loop = asyncio.get_running_loop()
        tasks = []
        for job in [job for job in list(self._jobs) if job.loop is loop]:
            if job.task is None:
                self._jobs.discard(job)
                job.drop()
            elif not job.task.done():
                job.task.cancel()
                tasks.append(job.task)
        return tasks

    def stop(self) -> None:
        """Has all cancelled that runs. Any thread."""
        with self._lock:
            own, self._own = self._own, None
        if own is not None:
            own.call_soon_threadsafe(own.stop)
        for loop in {self.serving, self.given}:
            if loop is not None:
                with contextlib.suppress(RuntimeError):  # it is closed
                    loop.call_soon_threadsafe(self._cancel_all)

    def forget_threads(self) -> None:
        """After fork() in the child, where the threads do not exist."""
        self._lock = threading.Lock()
        self._own = self.serving = None
        self._jobs = set()
        self._turns = {}


def _running() -> asyncio.AbstractEventLoop | None:
    """The event loop that runs in this thread."""
    import asyncio

    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        return None


def was_cancelled(error: BaseException | None) -> bool:
    """It was ended with the server, which is no fault of it."""
    asyncio = sys.modules.get("asyncio")  # without it nothing was
    return asyncio is not None and isinstance(error, asyncio.CancelledError)
