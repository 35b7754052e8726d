"""Clients of other make find a restarted server again, with the right values."""

from __future__ import annotations

import contextlib

import pytest

from support import dbr
from support.peer_client import PEERS, Peer

pytestmark = pytest.mark.timeout(300)  # the first run makes the environments
SECONDS = 30.0  # EPICS' libca waits up to 10 s before it searches again


def test_reconnect_after_a_restart(target):
    """All clients at once: they wait for their reconnection side by side."""
    with contextlib.ExitStack() as stack:
        peers = [stack.enter_context(Peer(name, target)) for name in PEERS]
        subscriptions = {}
        for peer in peers:
            peer.connect("LONG")
            subscriptions[peer] = peer.monitor("LONG", dbr.TIME + dbr.LONG)
            assert peer.events(subscriptions[peer], 1)[0]["value"] == [5]
        peers[0].put("LONG", 4)
        for peer in peers:
            assert peer.events(subscriptions[peer], 1)[-1]["value"] == [4]
        target.restart()
        # The new process starts with its own value; every subscription reports it.
        for peer in peers:
            events = peer.events(subscriptions[peer], 1, SECONDS)
            assert events[-1]["value"] == [5]
        for number, peer in enumerate(peers):
            peer.connect("LONG", SECONDS)
            peer.put("LONG", -number)
            assert peer.get("LONG", dbr.LONG)["value"] == [-number]
        for peer in peers:
            last = peer.events(subscriptions[peer], 1)[-1]
            while last["value"] != [1 - len(peers)]:
                last = peer.events(subscriptions[peer], 1)[-1]
