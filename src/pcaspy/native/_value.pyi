from typing import Any

from pcaspy.native._handle import Links, PvHandle
from pcaspy.native._time import StampBase

class StoredValue(Links):
    """A value and its alarm and time, for the PVs that it is linked to."""

    def link(
        self,
        pv: PvHandle,
        changed: list[Any],
        overrides: tuple[bool, bool, bool] = ...,
    ) -> None: ...
    def start(
        self,
        pv: PvHandle,
        changed: list[Any],
        when: StampBase,
        overrides: tuple[bool, bool, bool] = ...,
        defined: bool = False,
    ) -> None: ...
    def alias(self, pv: PvHandle) -> None: ...
    def unlink(self, pv: PvHandle | None = None) -> None: ...
