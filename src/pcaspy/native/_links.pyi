from typing import Any

from pcaspy.native._handle import LinkedData

class Links(LinkedData):
    """A Data's place among the PVs of a driver."""

    @property
    def handle(self) -> Any: ...
    def handles(self) -> list[Any]: ...
