"""Clients of other makes see the same on this server as on the released one."""

from __future__ import annotations

import pytest
from program_dialog import transcript
from program_sides import HERE, SERVERS, Program, assert_same, at_once

pytestmark = pytest.mark.timeout(900)


def seen_on(side, peer, script):
    """A client's transcript on one server, which is killed and started at its wish."""
    argv = [str(SERVERS / "kinds.py")]
    running = [Program(side, "pcaspy", argv)]
    port = running[0].port

    def asked(what):
        if what == "stop":
            running.pop().stop()
        else:
            running.append(Program(side, "pcaspy", argv, port=port))

    try:
        return transcript(peer, script, port, asked)
    finally:
        for program in running:
            program.stop()


@pytest.mark.parametrize(
    "peer", ["pyepics", "caproto", "pyca", "cachannel", "cothread"]
)
def test_the_same_on_both_servers(peer):
    seen = at_once(lambda side: seen_on(side, peer, f"{peer}_client.py"))
    assert_same(seen)
    assert len(seen[HERE]) > 20
