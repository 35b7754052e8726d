EPICS_EPOCH: int

class StampBase:
    secPastEpoch: int
    nsec: int

class epicsTimeStamp(StampBase):
    def __init__(self, *args: int) -> None: ...
    @staticmethod
    def fromPosixTimeStamp(
        seconds: float, nsec: int | None = None
    ) -> epicsTimeStamp: ...
