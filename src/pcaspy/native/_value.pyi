from pcaspy.native._handle import PvHandle
from pcaspy.native._links import Changed, Links
from pcaspy.native._time import StampBase

class StoredValue(Links):
    """A value and its alarm and time, for the PVs that it is linked to."""

    def link(
        self,
        pv: PvHandle,
        changed: Changed,
        overrides: tuple[bool, bool, bool] = ...,
    ) -> None: ...
    def start(
        self,
        pv: PvHandle,
        changed: Changed,
        when: StampBase,
        overrides: tuple[bool, bool, bool] = ...,
        defined: bool = False,
    ) -> None: ...
    def alias(self, pv: PvHandle) -> None: ...
    def unlink(self, pv: PvHandle | None = None) -> None: ...
