"""A client that nobody here wrote: the released aioca in a process of its own."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from .environment import client_environment
from .peers import peer_python
from .process import Child

SUPPORT = Path(__file__).parent
ECA_NORMAL = 1
ECA_GETFAIL = 152
ECA_PUTFAIL = 160


class EpicsClient(Child):
    """EPICS' libca through aioca 2.1, looking for servers on loopback and one port."""

    def __init__(self, port: int, **changes: str) -> None:
        self.port = port
        env = client_environment(port, PYTHONPATH=str(SUPPORT), **changes)
        script = SUPPORT / "epics_client_side.py"
        super().__init__([str(peer_python("aioca")), str(script)], env)

    def connect(self, name: str, **options: Any) -> None:
        """Search and connect; an error if nobody answers in time."""
        self.ask(40, command="connect", name=name, **options)

    def get(self, name: str, **options: Any) -> dict[str, Any]:
        """Value and metadata; `form` raw, time or ctrl; `errorcode` on refusal."""
        answer: dict[str, Any] = self.ask(command="get", name=name, **options)
        return answer

    def value(self, name: str, **options: Any) -> Any:
        """Only the value; a refusal is a failure of the test."""
        return self.get(name, **options)["value"]

    def text(self, name: str) -> str:
        """An array of characters as text."""
        found: str = self.value(name, datatype="text", form="raw")
        return found

    def put(self, name: str, value: Any, **options: Any) -> int:
        """Write with callback unless `wait=False`; returns the ECA code."""
        code: int = self.ask(command="put", name=name, value=value, **options)
        return code

    def start_put(self, name: str, value: Any, **options: Any) -> None:
        """Begin a put with callback; `answer()` returns its ECA code."""
        self.tell(command="put", name=name, value=value, **options)

    def monitor(self, name: str, **options: Any) -> None:
        """Subscribe under this name."""
        self.ask(command="monitor", name=name, **options)

    def updates(self, name: str, count: int = 1, seconds: float = 10) -> list[Any]:
        """The next `count` updates of a subscription; fewer fail the test."""
        got: list[Any] = self.ask(
            seconds + 5, command="updates", name=name, count=count, seconds=seconds
        )
        assert len(got) == count, f"{len(got)} of {count} updates of {name}: {got}"
        return got

    def next_update(self, name: str, wanted: Any, tries: int = 50) -> dict[str, Any]:
        """The first update for which `wanted(update)` holds."""
        for _ in range(tries):
            update: dict[str, Any] = self.updates(name)[0]
            if wanted(update):
                return update
        raise AssertionError(f"{name}: not among {tries} updates")
