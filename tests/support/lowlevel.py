"""The server of the low-level layer, as a target for circuits and other clients."""

from __future__ import annotations

from .environment import server_environment
from .ports import LOOPBACK
from .process import Child
from .targets import OURS, SERVERS, Target


class LowLevelTarget(Target):
    """lowlevel_server.py, with rules of access security or without."""

    def __init__(self, *rules: str) -> None:
        self.rules = rules
        super().__init__(OURS)

    def _start(self) -> None:
        self.child = Child.python(
            str(SERVERS / "lowlevel_server.py"),
            self.prefix,
            *self.rules,
            env=server_environment(self.port),
        )
        self.tcp = (LOOPBACK, int(self.child.ready["tcp_port"]))
        self.udp = (LOOPBACK, int(self.child.ready["udp_port"]))
