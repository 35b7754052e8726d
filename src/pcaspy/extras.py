"""What a server may have besides its PVs: saved values, a control socket, a put log.

Their modules are imported by servers that have them.
"""

from __future__ import annotations

import functools
import logging
import os
from collections.abc import Callable

from .host.options import control_name
from .served.registry import Registry

TYPE_CHECKING = False  # typing takes long to import
if TYPE_CHECKING:
    from typing import Any

    from .putlog.options import PutLog
    from .state.keeper import Keeper

_log = logging.getLogger("pcaspy.SimpleServer")
_PUT_LOG = "PCASPY_PUT_LOG"


class Extras:
    """What the options of a server and the environment ask for.

    Args:
        options: Loses `state`, `autosave`, `control` and `put_log`.

    Raises:
        OSError: `control` is on and this system has no Unix sockets.
        TypeError, ValueError: One of them is not allowed.
    """

    def __init__(self, options: dict[str, Any]) -> None:
        self._keeper = _keeper(
            options.pop("state", None), options.pop("autosave", None)
        )
        self._control = control_name(options.pop("control", None))
        self._put_log = _put_log(options.pop("put_log", None))

    def add_to(self, held: Registry) -> None:
        """They start and end with that server."""
        if self._keeper is not None:
            held.keeper = keeper = self._keeper(held)
            held.companions.add(keeper)
        if self._control is not None:
            from .control.service import companion

            held.companions.add(companion(held, self._control))
        if self._put_log is not None and held.engine is not None:
            from .putlog.writer import Writer

            held.companions.add(Writer(held.engine, self._put_log))


def _put_log(given: Any) -> PutLog | None:
    """Where puts are written down; its modules are for those who ask for that."""
    if given in (None, False) and (given is False or not os.environ.get(_PUT_LOG)):
        return None
    from .putlog.options import chosen

    return chosen(given)


def _state_file(given: Any) -> str:
    """Where values are saved; empty: nowhere."""
    if given is None:
        given = os.environ.get("PCASPY_STATE", "").strip()
    if given is False:
        return ""
    if not isinstance(given, str | os.PathLike):
        raise TypeError(f"state is {given!r}: the path of a file is allowed, or False")
    path = os.fspath(given)
    if not isinstance(path, str) or "\0" in path:
        raise ValueError(f"state is {given!r}: the path of a file as text is allowed")
    return path


def _keeper(state: Any, autosave: Any) -> Callable[[Registry], Keeper] | None:
    """What makes that which saves values; None: they are not saved."""
    path = _state_file(state)
    if not path:
        if autosave:
            _log.warning(
                "autosave has no effect: SimpleServer(state=FILE) or PCASPY_STATE says"
                " where values are saved"
            )
        return None
    from .state.groups import Groups
    from .state.keeper import Keeper

    return functools.partial(Keeper, path=path, groups=Groups(autosave))
