"""Which servers a cell of a notebook replaces, with an IPython that is none."""

import sys
import threading
import types

import pytest

from pcaspy import Driver
from pcaspy.host.notebook import run_of_cell
from pcaspy.testing import IsolatedServer
from pcaspy.tools import ServerThread
from support.wire import Circuit


class Shell:
    """What is looked at of IPython's shell."""

    def __init__(self, kernel):
        self.kernel = kernel
        self.execution_count = 1


@pytest.fixture
def shell(monkeypatch):
    """A notebook's kernel, until the test makes it something else."""
    shell = Shell(kernel=object())
    module = types.SimpleNamespace(get_ipython=lambda: shell)
    monkeypatch.setitem(sys.modules, "IPython", module)
    return shell


@pytest.fixture
def make():
    """Makes a server with PVs, and a thread that processes it."""
    threads = []

    def make_server(*reasons, value=1):
        server = IsolatedServer()
        server.createPV("P:", {reason: {"value": value} for reason in reasons})
        Driver(server)
        threads.append(ServerThread(server))
        threads[-1].start()
        return server, threads[-1]

    yield make_server
    for thread in threads:
        thread.stop()
        thread.join(60)
        thread.server.close()


def serves(server):
    return server._pcaspy.is_open


def test_outside_of_a_kernel_there_are_no_cells(monkeypatch, shell):
    assert run_of_cell() == 1
    shell.kernel = None  # IPython in a terminal has none
    assert run_of_cell() is None
    monkeypatch.setitem(sys.modules, "IPython", types.SimpleNamespace())
    assert run_of_cell() is None  # it is being imported
    monkeypatch.delitem(sys.modules, "IPython")
    assert run_of_cell() is None


def test_a_later_run_replaces(shell, make, caplog):
    old, thread = make("A", "B")
    shell.execution_count = 2
    new, _ = make("B", "C")
    assert (serves(old), serves(new)) == (False, True)
    thread.join(60)
    assert not thread.is_alive()
    (record,) = caplog.records
    assert record.getMessage() == (
        "PV P:B served by a server of an earlier run of a cell, which is closed: this"
        " one replaces it"
    )


def test_many_runs(shell, make, caplog):
    servers = []
    for run in range(5):
        shell.execution_count = run
        servers.append(make("A", value=run)[0])
    assert [serves(server) for server in servers] == [False] * 4 + [True]
    assert len(caplog.records) == 4


@pytest.mark.parametrize("kind", ["same run", "no kernel", "other names"])
def test_others_stay(shell, make, kind, caplog):
    if kind == "no kernel":
        shell.kernel = None
    old, thread = make("A")
    if kind != "same run":
        shell.execution_count = 2
    new, _ = make("B" if kind == "other names" else "A")
    assert serves(old)
    assert serves(new)
    assert thread.is_alive()
    assert len(caplog.records) == (kind != "other names")


def test_one_cell_makes_the_server_and_the_next_its_pvs(shell, make, caplog):
    old, thread = make("A")
    shell.execution_count = 2
    new = IsolatedServer()
    shell.execution_count = 3
    new.createPV("P:", {"A": {}})
    assert (serves(old), serves(new)) == (False, True)
    thread.join(60)
    new.close()


def test_a_server_is_replaced_by_a_new_one_only(shell, make, caplog):
    """PVs that are added to what there is replace nothing."""
    old, _ = make("A")
    shell.execution_count = 2
    new, _ = make("B")
    shell.execution_count = 3
    new.createPV("P:", {"A": {}})
    old.createPV("P:", {"B": {}})
    assert serves(old)
    assert serves(new)


def test_what_was_made_before_the_kernel_stays(shell, make):
    shell.kernel = None
    old, _ = make("A")
    shell.kernel = object()
    shell.execution_count = 2
    make("A")
    assert serves(old)


def test_a_replaced_server_can_be_started_again(shell, make):
    old, thread = make("A")
    shell.execution_count = 2
    make("A")
    thread.join(60)
    old.start()
    assert serves(old)
    assert old.tcp_port > 0
    again = ServerThread(old)
    again.start()
    with Circuit(("127.0.0.1", old.tcp_port)) as circuit:
        circuit.create("P:A")
    assert again.is_alive()
    again.stop()
    again.join(60)


def test_a_thread_that_is_about_to_begin_does_not_start_what_was_closed(idle):
    """The other thread has looked whether it is closed, and begins to serve then."""
    idle.close()
    idle._pcaspy.closed = False
    begin = idle._pcaspy.begin

    def closed_meanwhile():
        closer = threading.Thread(target=idle.close)
        closer.start()
        closer.join(60)
        begin()

    idle._pcaspy.begin = closed_meanwhile
    idle.process(0.05)
    assert (idle._pcaspy.is_open, idle.tcp_port) == (False, 0)
