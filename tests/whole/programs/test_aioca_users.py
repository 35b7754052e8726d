"""Programs that use aioca see the same with this one as with the released one."""

from __future__ import annotations

import re

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


def without_reasons(seen):
    """What is told, but for the reasons that the released one does not give."""
    return [
        [what, re.sub("( operation expired): .*", r"\1", said)]
        if isinstance(said, str)
        else [what, said]
        for what, said in seen
    ]


def with_names(seen):
    """What the released one tells, with the name of a PV that libca refused."""
    refused = "CAException: Write access denied calling "
    return [
        [what, f"CARefused: KINDS:{what}: Write access denied"]
        if isinstance(said, str) and said.startswith(refused)
        else [what, said]
        for what, said in seen
    ]


@pytest.mark.skipif(bool(NO_OPHYD_ASYNC), reason=NO_OPHYD_ASYNC)
def test_ophyd_async():
    seen = at_once(lambda side: seen_with(side, "ophyd-async", "ophyd_async_client.py"))
    assert without_reasons(seen[HERE]) == with_names(seen[RELEASED])
    assert ["watched", 33] in seen[HERE]


def test_coniql():
    seen = at_once(lambda side: seen_with(side, "coniql", "coniql_client.py"))
    assert without_reasons(seen[HERE]) == with_names(seen[RELEASED])
    assert ["steps", 23] in seen[HERE]
