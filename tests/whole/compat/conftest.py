"""The released package and ours, each in a process, for the programs of this folder."""

from __future__ import annotations

import sys
from collections.abc import Iterator

import pytest
from compat_client import Side
from compat_run import Pair

from support.peers import peer_python


@pytest.fixture(scope="module")
def released() -> Iterator[Side]:
    """A server program on the released pcaspy."""
    side = Side(str(peer_python("pcaspy")), threaded=False)
    yield side
    side.stop()


@pytest.fixture(scope="module")
def ours() -> Iterator[Side]:
    """The same program on this project's."""
    side = Side(sys.executable, threaded=True)
    yield side
    side.stop()


@pytest.fixture(scope="module")
def pair(released: Side, ours: Side) -> Pair:
    """Both, for programs that are compared step by step."""
    return Pair(released, ours)
