"""Servers with access security: ours and the reference IOC, with the same rules."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from support.access import RULES
from support.environment import server_environment
from support.process import Child
from support.targets import BOTH, OURS, SERVERS, Target


class AccessTarget(Target):
    """A server with the PVs of access.db under a prefix of its own."""

    def __init__(self, name: str, rules: Path | None = RULES, *options: str) -> None:
        self.rules = "-" if rules is None else str(rules)
        self.options = options
        super().__init__(name)

    def _start(self) -> None:
        script = "access_server.py" if self.name == OURS else "access_ioc.py"
        self.child = Child.python(
            str(SERVERS / script),
            self.prefix,
            self.rules,
            *self.options,
            env=server_environment(self.port, **self.environment),
        )
        self.tcp = ("127.0.0.1", int(self.child.ready["tcp_port"]))
        self.udp = ("127.0.0.1", int(self.child.ready["udp_port"]))


@pytest.fixture(scope="module", params=BOTH)
def target(request: pytest.FixtureRequest) -> Iterator[AccessTarget]:
    """Ours, then the reference IOC."""
    with AccessTarget(request.param) as running:
        yield running


@pytest.fixture(scope="module")
def ours() -> Iterator[AccessTarget]:
    """Our server, for what the reference does not have."""
    with AccessTarget(OURS) as running:
        yield running


@pytest.fixture
def start() -> Iterator[Callable[..., AccessTarget]]:
    """Starts servers of a test's own, and ends them after it."""
    started = []

    def start_one(*arguments: object) -> AccessTarget:
        started.append(AccessTarget(OURS, *arguments))
        return started[-1]

    yield start_one
    for running in started:
        running.stop()
