"""Forks beside everything: the parent goes on serving, and no child hangs."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from support import dbr
from support.access import RULES
from support.environment import server_environment
from support.ports import LOOPBACK, free_port
from support.process import Child, ChildError
from support.scale import report, scaled
from support.wire import ECA_NORMAL, Circuit

SERVER = str(Path(__file__).with_name("forking_server.py"))

pytestmark = [
    pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here"),
    pytest.mark.timeout(1200),
]


@pytest.mark.parametrize("rules", [[], [str(RULES)]], ids=["open", "access"])
def test_forks_from_threads_while_serving(rules):
    forks = scaled(600, 12_000)
    child = Child(
        [sys.executable, SERVER, str(forks), *rules], server_environment(free_port())
    )
    with child:
        child.tell(do="wait")
        gets = 0
        with Circuit((LOOPBACK, int(child.ready["tcp_port"]))) as circuit:
            channel = circuit.create("F:A")
            while True:
                assert circuit.get(channel, dbr.DOUBLE).p1 == ECA_NORMAL
                gets += 1
                try:
                    ended = child.answer(0)
                except ChildError:
                    assert child.alive(), child.stderr()
                else:
                    break
        assert ended == [[0], forks]
    report(f"{forks} forks beside {gets} gets: all children ended")
