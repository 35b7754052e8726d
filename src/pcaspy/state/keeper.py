"""Restores the values of a server's PVs, and saves them while it serves.

Threads: the one that starts the server, makes PVs or makes drivers restores; a separate
one saves, and only that one writes. `_lock` is held for moments, and never while code
of users runs or a file is used.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from ..host.companions import Companion
from ..native._handle import info_of, name_of
from ..native._state import changed, was_set
from ..native._time import epicsTimeStamp
from ..served.pvdb import PVInfo
from ..served.tables import collector_held
from .cells import Cell
from .file import Contents, StateFile, UnusableError, reason
from .format import Entry, entry_of, merged
from .groups import Groups
from .lock import BusyError
from .restore import Restorer
from .saver import Saver
from .values import is_same_kind

if TYPE_CHECKING:
    from ..served.registry import Registry

_log = logging.getLogger("pcaspy.state")
_PIECE = 1000  # PVs that are looked at before others get the lock
_PAUSE = 0.0005  # seconds in which they get it


class Keeper(Companion):
    """Keeps the values of one server in one file.

    Args:
        registry: What the server serves.
        path: The file.
        groups: Which PVs.
    """

    def __init__(
        self,
        registry: Registry,
        path: str,
        groups: Groups,
    ) -> None:
        self._registry = registry
        self._groups = groups
        self._file = StateFile(path)
        self._restorer = Restorer(self._file.path)
        self._saver = Saver(self)
        self._opening = threading.Lock()  # held while the file is read at first
        # Guards what follows. The collector may end a server in any thread.
        self._lock = threading.RLock()
        self._cells: dict[str, Cell] = {}
        self._by_period: dict[float, list[Cell]] = {}
        self._order: list[Cell] | None = None  # by name; None: to be made
        self._entries: dict[str, Entry] = {}  # as they were read, until they are used
        # What the file had when this server last knew it, while it may not write.
        self._known: Mapping[str, bytes | None] = {}
        self._dirty = False  # there are lines that the file does not have
        # Of the thread that starts, and then of the saver:
        self._may_write = False  # the lock is held, and what the file had is known
        self._trouble: str | None = None  # what was reported
        self._prepared = False  # PVs are restored as they come
        self._opened = False  # the file was read

    # ---- starts and ends ----

    def prepare(self) -> None:
        """Reads the file and restores what it has."""
        again, self._prepared = self._prepared, True
        for driver in list(self._registry.driver.values()):
            reasons = list(getattr(driver, "pvDB", ()))
            with collector_held(len(reasons)):
                self.came(driver, reasons)
        if again and self._opened:
            self._gain()
        elif not again:
            self._look_for_mistakes()
        with self._lock:
            self._entries.clear()

    def start(self) -> None:
        """Begins to save."""
        self._saver.start()

    def end(self) -> None:
        """Saves what has changed, and lets others use the file."""
        self._saver.end()

    def release(self) -> None:
        """Lets others use the file."""
        with self._lock:
            if self._may_write and not self._dirty:
                self._known = {cell.name: cell.line for cell in self._cells.values()}
        self._may_write = False
        self._file.lock.release()

    def in_child(self) -> None:
        """The file is the parent's."""
        self._opening, self._lock = threading.Lock(), threading.RLock()
        self._file.forget()
        self._may_write = False
        self._saver = Saver(self)

    def periods(self) -> list[float]:
        """How often there are PVs to look at, in seconds."""
        with self._lock:
            return [period for period, cells in self._by_period.items() if cells]

    # ---- PVs that come and go; the tables of PVs and drivers call these ----

    def came(self, driver: Any, reasons: Iterable[str], fresh: bool = True) -> None:
        """Restores these parameters, which are not served yet if they are new.

        Args:
            driver: Whose parameters they are.
            reasons: Those that are known already are passed over.
            fresh: They have the value that they began with.
        """
        if not self._prepared:
            return
        for name in reasons:
            data = driver.pvDB.get(name)
            pv = getattr(data, "handle", None)  # None: another thread has removed it
            info = None if pv is None else info_of(pv)
            if pv is None or not isinstance(info, PVInfo):
                continue
            period = self._groups.period_of(info)
            if period is not None:
                self._open()
                entry = self._watched(name_of(pv), data, period, fresh)
                if entry is not None:
                    self._restorer.restore(driver, name, pv, entry)

    def looked_at(self, data: Any, pv: Any) -> bool:
        """`pv` would take over this value, which is saved as it is.

        Returns:
            False if it has to be restored instead, as far as it fits: the PV is the
            same by name, and is of another kind now.
        """
        self._take(data, leaves=False)
        name, info = name_of(pv), info_of(pv)
        before = None if data.handle is None else name_of(data.handle)
        if name != before or self._groups.period_of(info) is None:
            return True
        with self._lock:
            cell = self._cells.get(name)
            entry = None if cell is None or cell.line is None else entry_of(cell.line)
        return entry is None or is_same_kind(entry, info.fields)

    def leaves(self, data: Any) -> None:
        """What held this value is not served any more, at least for now."""
        self._take(data, leaves=True)

    @property
    def stamp(self) -> epicsTimeStamp | None:
        """When the value was set that this thread restores."""
        return self._restorer.stamp

    def _watched(
        self, name: str, data: Any, period: float, fresh: bool
    ) -> Entry | None:
        """Watches a value from now on; what is to be restored first."""
        with self._lock:
            cell = self._cells.get(name)
            if cell is None:
                cell = self._add(name, None)
            elif cell.data is data:
                return None
            entry = self._last_entry(cell) if fresh else None
            cell.watch(data, entry is not None or not was_set(data))
            if cell.period != period:
                if cell.period is not None:
                    self._by_period[cell.period].remove(cell)
                cells = self._by_period.setdefault(period, [])
                cells.append(cell)
                cell.period = period
                if len(cells) == 1:
                    self._saver.look_again()
        return entry

    def _add(self, name: str, line: bytes | None) -> Cell:
        cell = self._cells[name] = Cell(name, line)
        self._order = None
        return cell

    def _last_entry(self, cell: Cell) -> Entry | None:
        """What was known last of a PV that is here again."""
        entry = self._entries.pop(cell.name, None)
        if changed([cell]):
            self._encode(cell)
            entry = None
        if entry is None and cell.line is not None:
            entry = entry_of(cell.line)
        return entry

    def _take(self, data: Any, leaves: bool) -> None:
        pv = None if data is None else data.handle
        if pv is None:
            return
        with self._lock:
            cell = self._cells.get(name_of(pv))
            if cell is None or cell.data is not data:
                return
            if changed([cell]):
                self._encode(cell)
            if leaves:
                cell.watch(None, False)

    def _encode(self, cell: Cell) -> None:
        try:
            self._dirty |= cell.encode()
        except Exception:
            _log.exception("PV %s: its value cannot be saved", cell.name)

    def _encode_all(self, period: float) -> None:
        """Takes what has changed, in pieces: to make a PV waits for one of them.

        A value that is set meanwhile is taken now or the next time.
        """
        with self._lock:
            cells = list(self._by_period.get(period, []))
        for begin in range(0, len(cells), _PIECE):
            if begin:
                time.sleep(_PAUSE)
            with self._lock:
                for cell in changed(cells[begin : begin + _PIECE]):
                    self._encode(cell)

    # ---- the file ----

    def save(self, periods: Iterable[float]) -> None:
        """Looks at the PVs of these periods, and writes the file if it has to."""
        for period in periods:
            self._encode_all(period)
        if self._may_write and self._file.lock.was_removed():
            self.release()  # perhaps another server has the new one
        if not self._opened or not (self._may_write or self._gain()):
            return
        with self._lock:
            if not self._dirty:
                return
            if self._order is None:
                self._order = sorted(self._cells.values(), key=lambda cell: cell.name)
            lines = [cell.line for cell in self._order if cell.line is not None]
            self._dirty = False
        try:
            notes = self._file.write(lines)
        except OSError as error:
            self._dirty = True
            self._report(reason(error))
        else:
            self._tell(notes)
            self._report(None)

    def _open(self) -> None:
        """Reads the file, before the first PV is restored."""
        if self._opened:
            return
        with self._opening:
            if not self._opened:
                self._read()
                self._opened = True

    def _gain(self) -> bool:
        """Tries again to become who may write; the PVs are served already."""
        if not self._may_write:
            self._read()
        return self._may_write

    def _read(self) -> None:
        """Locks and reads the file. PVs that are served keep their values."""
        trouble = None
        try:
            self._file.lock.acquire()
        except BusyError as error:
            trouble = f"{error} saves to it"
        except OSError as error:
            trouble = f"{self._file.path}.lock cannot be made: {reason(error)}"
        if trouble is not None and self._opened:
            self._report(trouble)
            return
        try:
            contents = self._file.load()
        except UnusableError as error:
            self._file.lock.release()
            self._report(f"the file {error}")
            return
        self._take_over(contents)
        self._tell(contents.notes)
        self._may_write = trouble is None
        self._known = {} if self._may_write else contents.lines
        self._report(trouble)

    def _take_over(self, contents: Contents) -> None:
        """Merges what the file has now with what is to be saved.

        What only one side has changed since the file was last read is as it has it.
        Where both have, the value counts that was set later.
        """
        known, theirs = self._known, contents.lines
        with self._lock:
            for name in theirs.keys() - self._cells.keys():
                self._add(name, None)
            self._dirty = bool(contents.notes)
            for name, cell in self._cells.items():
                there = theirs.get(name)
                cell.line = merged(known.get(name), cell.line, there)
                self._dirty |= cell.line != there
            if not self._opened:
                self._entries = contents.entries

    def _tell(self, notes: Iterable[str]) -> None:
        for note in notes:
            _log.warning("%s: %s", self._file.path, note)

    def _report(self, trouble: str | None) -> None:
        """Logs what keeps it from saving: once, and once that it saves again."""
        before, self._trouble = self._trouble, trouble
        if trouble == before:
            return
        if trouble is not None:
            _log.error("%s: values are not saved: %s", self._file.path, trouble)
        else:
            _log.warning("%s: values are saved again", self._file.path)

    def _look_for_mistakes(self) -> None:
        """Of patterns that no PV has, and of a file that nothing is saved to."""
        infos = [info_of(pv) for pv in self._registry.pvf.values()]
        known = [info for info in infos if isinstance(info, PVInfo)]
        if not known:
            return  # they are made later
        names = [name for info in known for name in (info.name, info.reason)]
        groups = {info.fields.values["autosave"] for info in known}
        for pattern in self._groups.without_match(names, groups):
            _log.warning("autosave: there is no PV %r", pattern)
        if not any(map(self._groups.period_of, known)):
            _log.warning(
                "%s: nothing is saved: no PV has the field 'autosave', and"
                " SimpleServer(autosave=[...]) names none",
                self._file.path,
            )
