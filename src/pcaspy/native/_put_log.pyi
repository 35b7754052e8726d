from typing import Any, NamedTuple, final

from pcaspy.native._server import Server

OUTCOMES: tuple[str, ...]

def undecoded(text: str) -> Any: ...

class Put(NamedTuple):
    time: float
    pv: str
    user: str
    host: str
    address: str
    protocol: str
    old: Any
    old_size: int
    new: Any
    new_size: int  # -1: `new` is what the log says of it
    is_array: bool
    outcome: str
    trapped: bool
    more: int
    least: Any
    most: Any

@final
class PutLog:
    """The puts of one server. Those of one client to one PV within `burst` are one."""

    def __init__(self, engine: Server, which: str, burst: float) -> None:
        """Call it before the server starts, once."""

    def open(self) -> None: ...
    def close(self) -> None: ...
    def take(self, most: int, timeout: float) -> list[Put]: ...
    @property
    def dropped(self) -> int: ...
    def count_dropped(self, puts: int) -> None: ...
    def count_written(self, puts: int) -> None: ...
