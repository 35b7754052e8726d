"""Writes down what clients put, in a separate thread."""

from __future__ import annotations

import logging
import os
import threading
import time
from pathlib import Path

from ..host.companions import Companion
from ..native import _put_log
from ..native._server import Server
from .file import ToFile
from .log_server import ToLogServer
from .options import PutLog
from .target import LOG, Target, ToLogging

_BATCH = 128  # records at a time
_GATHER = 0.02  # seconds in which a batch gathers
_SHARE = 9  # it leaves so many times the time that it needs to others
_LAST = 2.0  # seconds at the end for what waits for a log server
_JOIN = 5.0  # seconds without a record until the end goes on without the thread,
_LONGEST = 30.0  # and with
_TOLD = 60.0  # seconds between two warnings of what is lost


class Writer(Companion):
    """The put log of one server, from its start to its end.

    Args:
        engine: The server's, which has not started yet.
        options: Where to write, and what.
    """

    def __init__(self, engine: Server, options: PutLog) -> None:
        self._options = options
        self._log = _put_log.PutLog(engine, options.which, options.burst)
        self._said = 0  # how many are lost, as the last line said
        self._warned, self._next_warning = 0, 0.0
        self._written = 0  # records
        self._begin_anew()

    def _begin_anew(self) -> None:
        self._target = self._make_target()
        self._ending = threading.Event()
        self._thread: threading.Thread | None = None

    def _make_target(self) -> Target:
        target, options = self._options.target, self._options
        if isinstance(target, logging.Logger | logging.Handler):
            return ToLogging(target, self._log)
        if isinstance(target, bool):
            return ToLogging(LOG, self._log)
        if options.is_log_server:
            return ToLogServer(options.address(), options.prefix, self._log)
        path = Path(os.fsdecode(os.fspath(target)))
        return ToFile(path.absolute(), options.max_bytes, options.backups, self._log)

    # ---- as a companion ----

    def prepare(self) -> None:
        """Nothing that a client puts is missing."""
        self._begin_anew()
        self._log.open()
        self._thread = threading.Thread(
            target=self._run, name="pcaspy put log", daemon=True
        )
        self._thread.start()

    def end(self) -> None:
        """Writes what there is."""
        thread, self._thread = self._thread, None
        self._log.close()
        self._ending.set()
        if thread is not None and not self._ends(thread):
            LOG.error("put log %s: it hangs, puts are lost", self._options.target)

    def _ends(self, thread: threading.Thread) -> bool:
        """Waits for the thread as long as it gets on."""
        deadline, before = time.monotonic() + _LONGEST, -1
        while self._written != before and time.monotonic() < deadline:
            before = self._written
            thread.join(_JOIN)
            if not thread.is_alive():
                return True
        return False

    def in_child(self) -> None:
        """The thread is the parent's."""
        self._target.forget()
        self._begin_anew()
        self._said = self._warned = self._log.dropped

    # ---- its thread ----

    def _run(self) -> None:
        ending, target = self._ending, self._target
        pause = 1.0
        try:
            while True:
                # If it is set, the log is closed: what is taken from now on is all.
                ends = ending.is_set()
                puts = self._log.take(_BATCH, pause)
                before = time.thread_time()
                for put in puts:
                    self._write(target, put)
                pause = target.pump()
                self._warn()
                if ends and not puts:
                    break
                if puts and not ends:
                    spent = time.thread_time() - before
                    full = len(puts) == _BATCH
                    ending.wait(_SHARE * spent if full else _GATHER)
            target.close(_LAST)
            self._warn(last=True)
        except Exception:
            self._log.close()  # what is put from now on counts as lost
            LOG.exception("put log %s: it has ended", self._options.target)

    def _write(self, target: Target, put: _put_log.Put) -> None:
        self._written += 1
        lost = self._log.dropped
        if target.write(put, lost - self._said):
            self._said = lost

    def _warn(self, last: bool = False) -> None:
        """Of what is lost, but not as often as that happens."""
        lost = self._log.dropped
        now = time.monotonic()
        if lost == self._warned or (now < self._next_warning and not last):
            return
        LOG.warning(
            "put log %s: %d puts are missing in it",
            self._options.target,
            lost - self._warned,
        )
        self._warned, self._next_warning = lost, now + _TOLD
