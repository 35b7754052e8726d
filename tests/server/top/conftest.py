"""Servers of the protocol that have no PVs, in a runtime folder of the test's own."""

from __future__ import annotations

import contextlib

import pytest

from support.control_server import ControlServer


@pytest.fixture
def runtime(tmp_path, monkeypatch):
    """The runtime folder of this test's user."""
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    return tmp_path


@pytest.fixture
def serve(runtime):
    """Starts servers; all end with the test."""
    with contextlib.ExitStack() as stack:
        yield lambda *args, **kw: stack.enter_context(
            ControlServer(runtime, *args, **kw)
        )
