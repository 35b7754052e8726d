"""Programs that use aioca see the same with this one as with the released one."""

from __future__ import annotations

import pytest
from program_dialog import transcript
from program_sides import HERE, RELEASED, SERVERS, Program, at_once, environment

from support.peers import unavailable

NO_OPHYD_ASYNC = unavailable("ophyd-async")
pytestmark = pytest.mark.timeout(900)


def seen_with(side, peer, script):
    """A program's transcript with one side's aioca; the server is always ours."""
    argv = [str(SERVERS / "kinds.py")]
    running = [Program(HERE, "pcaspy", argv)]
    port = running[0].port

    def asked(what):
        if what == "stop":
            running.pop().stop()
        else:
            running.append(Program(HERE, "pcaspy", argv, port=port))

    try:
        return transcript(peer, script, port, asked, **environment(side))
    finally:
        for program in running:
            program.stop()


@pytest.mark.skipif(bool(NO_OPHYD_ASYNC), reason=NO_OPHYD_ASYNC)
def test_ophyd_async():
    seen = at_once(lambda side: seen_with(side, "ophyd-async", "ophyd_async_client.py"))
    assert seen[HERE] == seen[RELEASED]
    assert ["watched", 33] in seen[HERE]


def test_coniql():
    seen = at_once(lambda side: seen_with(side, "coniql", "coniql_client.py"))
    assert seen[HERE] == seen[RELEASED]
    assert ["steps", 23] in seen[HERE]
