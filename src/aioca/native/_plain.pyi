from collections.abc import Callable, Sequence

from aioca.native._plain_values import Failure, Value

class Channel:
    name: str
    connected: bool
    readable: bool
    writable: bool
    native_type: int
    element_count: int
    @property
    def host(self) -> str: ...

class Subscription:
    channel: Channel
    def take(self) -> list[Value | Failure]: ...

class Client:
    complain: Callable[[str, str, int], None]
    def channel(self, name: str) -> Channel: ...
    def connect(self, seconds: float | None) -> None: ...
    def subscribe(
        self, channel: Channel, type: int, count: int, mask: int
    ) -> Subscription: ...
    def wait(self, end: float | None) -> list[Channel | Subscription]: ...
    def get(
        self, requests: Sequence[tuple[Channel, int, int]], seconds: float | None
    ) -> list[Value | Failure]: ...
    def put(
        self,
        channel: Channel,
        values: bytes | Sequence[bytes] | Sequence[float],
        callback: bool,
        seconds: float | None,
    ) -> Failure | None: ...

def ca_message(status: int) -> str: ...
def print_complaint(name: str, text: str, status: int) -> None: ...
