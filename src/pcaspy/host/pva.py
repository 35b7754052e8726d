"""PVAccess, which is loaded when a server asks for it."""

from __future__ import annotations

import ctypes
from collections.abc import Mapping

from ..native._server import Server
from .options import LIMITS, switched

TYPE_CHECKING = False  # typing takes long to import
if TYPE_CHECKING:
    from typing import Any

    from ..native._pva import Pva


def wanted(pva: bool | None) -> bool:
    """Whether a server serves PVAccess: what it was given, or the environment says.

    Raises:
        ValueError: It is neither True nor False, or the variable neither YES nor NO.
    """
    return switched("pva", pva, "PCASPY_PVA", "NO")


def serve(engine: Server, options: Mapping[str, Any]) -> Pva:
    """PVAccess for the names of `engine`.

    Raises:
        ImportError: pvxslibs is not installed, or of another version.
    """
    made: Pva = _load().Pva(
        engine,
        _limit(options, "max_open_requests"),
        _limit(options, "max_open_bytes"),
    )
    return made


def counters() -> list[tuple[str, str, str]]:
    """(name, kind, meaning) of each counter of PVAccess, as for Channel Access.

    Raises:
        ImportError: As for `serve`.
    """
    table: list[tuple[str, str, str]] = _load().counters()
    return table


def _limit(options: Mapping[str, Any], name: str) -> int:
    return int(options.get(name, LIMITS[name].standard))


def _load() -> Any:
    try:
        # Its folder is known without pvxslibs.path, which takes 0.3 s to import.
        from pvxslibs.lib import pvxs_dsoinfo  # type: ignore[import-untyped]
    except ImportError as error:
        raise ImportError(
            "PVAccess needs the package pvxslibs: pip install 'pcaspy[pva]'"
        ) from error
    try:
        # By this name the module finds it, wherever both are installed.
        ctypes.CDLL(pvxs_dsoinfo.sofilename)
        from ..native import _pva
    except (ImportError, OSError) as error:
        raise ImportError(
            "PVAccess cannot use this pvxslibs: pip install --upgrade"
            f" 'pcaspy[pva]' ({error})"
        ) from error
    return _pva
