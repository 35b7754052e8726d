"""The life of a server: start, close, deletion, fork, end of the program."""

import gc
import os
import signal
import socket
import subprocess
import sys
import textwrap
import threading
import time
import weakref
from functools import partial

import pytest

from pcaspy import Driver, SimpleServer, testing
from pcaspy.driver import manager
from pcaspy.testing import IsolatedServer
from pcaspy.tools import ServerThread
from support.ports import free_port
from support.wire import (
    CREATE_CH_FAIL,
    LONG_DEADLINE,
    WRITE_NOTIFY,
    Circuit,
    create_request,
    pack,
)

DOUBLE = 6


def connects(port):
    try:
        socket.create_connection(("127.0.0.1", port), timeout=5).close()
    except ConnectionRefusedError:
        return False
    return True


def test_nothing_is_served_before_the_start():
    server = IsolatedServer()
    assert (server.tcp_port, server.udp_port) == (0, 0)
    server.close()


def test_process_starts():
    server = IsolatedServer()
    server.process(0)
    assert connects(server.tcp_port)
    server.close()


def test_process_of_no_length_does_not_sleep(monkeypatch):
    """The shortest sleep takes 70 us; a program may post and process() in turn."""
    server = IsolatedServer()
    server.start()
    slept = []
    monkeypatch.setattr(time, "sleep", slept.append)
    for _ in range(10):
        server.process(0)
    monkeypatch.undo()
    assert slept == []
    server.close()


def test_close_and_start_again_on_the_same_port():
    server = IsolatedServer()
    server.start()
    port = server.tcp_port
    server.close()
    assert not connects(port)
    server.start()
    assert connects(server.tcp_port)
    server.close()
    server.close()


def test_after_close_process_only_waits():
    server = IsolatedServer()
    server.start()
    server.close()
    begin = time.monotonic()
    server.process(0.05)
    assert time.monotonic() - begin >= 0.05
    assert server.tcp_port == 0


def test_deletion_closes_and_pvs_survive():
    server = IsolatedServer()
    server.createPV("DEL:", {"A": {}})
    Driver()
    server.start()
    port, gone = server.tcp_port, weakref.ref(server)
    del server
    assert gone() is None
    assert not connects(port)
    with (
        IsolatedServer() as following,
        Circuit(("127.0.0.1", following.tcp_port)) as circuit,
    ):
        assert circuit.create("DEL:A").type == DOUBLE


def test_a_closed_server_leaves_nothing_to_the_next():
    with IsolatedServer() as server:
        server.createPV("OLD:", {"A": {}})
    with IsolatedServer() as following:
        assert following.stats()["pvs"] == 0
    assert server.stats()["pvs"] == 1


def test_two_servers_have_their_own_pvs():
    with IsolatedServer() as one, IsolatedServer() as two:
        one.createPV("TWO:", {"A": {"type": "int"}})
        two.createPV("TWO:", {"A": {"type": "string"}, "B": {}})
        first, second = Driver(one), Driver(two)
        assert sorted(first.pvDB) == ["A"]
        assert sorted(second.pvDB) == ["A", "B"]
        assert sorted(manager.pvf) == ["TWO:A", "TWO:B"]
        for server, type_ in (one, 5), (two, 0):
            with Circuit(("127.0.0.1", server.tcp_port)) as circuit:
                assert circuit.create("TWO:A").type == type_


def test_a_taken_port_is_replaced():
    port = free_port()
    with IsolatedServer(port=port) as one, IsolatedServer(port=port) as two:
        assert (one.udp_port, two.udp_port) == (port, port)
        assert two.tcp_port not in (0, one.tcp_port)


def test_an_address_that_is_not_ours_is_an_os_error():
    server = SimpleServer(interfaces=["192.0.2.77"], port=0)
    with pytest.raises(OSError, match=r"192\.0\.2\.77|EPICS_CAS_INTF_ADDR_LIST|assign"):
        server.start()
    server.close()


def test_unknown_option():
    with pytest.raises(TypeError, match="'colour'"):
        SimpleServer(colour="blue")


def test_thread_stops_and_can_be_made_again():
    server = IsolatedServer()
    for _ in range(2):
        thread = ServerThread(server)
        assert not thread.daemon
        thread.daemon = True  # the tests end, even should it go on
        thread.start()
        thread.stop()
        thread.join(10)
        assert not thread.is_alive()
    server.close()


def test_after_a_thread_has_stopped_nobody_is_answered():
    server = IsolatedServer()
    server.start()
    port = server.tcp_port
    thread = ServerThread(server)
    thread.start()
    assert connects(port)
    thread.stop()
    thread.join(LONG_DEADLINE)
    assert not connects(port)
    server.process(0.01)
    assert connects(server.tcp_port)
    server.close()


def test_what_a_test_leaves_at_the_server_is_an_error(monkeypatch):
    monkeypatch.setattr(testing, "check_leaks", partial(testing.check_leaks, timeout=0))
    server, other = IsolatedServer(threaded=False), IsolatedServer(threaded=False)
    server.__enter__()
    other.start()
    client = Circuit(("127.0.0.1", other.tcp_port))
    with pytest.raises(testing.LeakError, match="Circuit"):
        server.__exit__(None, None, None)
    client.close()
    other.close()


def test_environment_leads_to_the_server(server):
    variables = server.environment()
    assert variables["EPICS_CA_SERVER_PORT"] == str(server.udp_port)
    assert variables["EPICS_CA_AUTO_ADDR_LIST"] == "NO"


def test_interrupt_keeps_what_was_taken(idle):
    class Interrupting(Driver):
        def __init__(self):
            self.seen = []
            super().__init__()

        def write(self, reason, value):
            self.seen.append(value)
            if len(self.seen) == 1:
                raise KeyboardInterrupt

    idle.createPV("INT:", {"A": {}})
    driver = Interrupting()
    with Circuit(("127.0.0.1", idle.tcp_port)) as circuit:
        channel = circuit.create("INT:A")
        for n in range(3):
            circuit.write(channel, DOUBLE, bytes(7) + bytes([n]))
        deadline = time.monotonic() + 10
        with pytest.raises(KeyboardInterrupt):
            idle.process(10)
        while len(driver.seen) < 3 and time.monotonic() < deadline:
            idle.process(0.01)
    assert len(driver.seen) == 3


def test_refused_names(server, circuit):
    circuit.send(create_request("NO:SUCH", 5))
    circuit.expect(CREATE_CH_FAIL, p1=5)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
def test_a_forked_child_leaves_the_circuits_alone(server, circuit):
    server.createPV("FORK:", {"A": {}})
    Driver()
    channel = circuit.create("FORK:A")
    child = os.fork()
    if child == 0:
        os._exit(0 if server.tcp_port == 0 else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert circuit.get(channel, DOUBLE).p1 == 1
    assert connects(server.tcp_port)


class Later(Driver):
    async def write(self, reason, value):
        self.setParam(reason, value)


def put_with_process(server):
    """The status of a put that the caller's thread carries out."""
    with Circuit(("127.0.0.1", server.tcp_port)) as circuit:
        channel = circuit.create("FORK:A")
        header = {"type": DOUBLE, "count": 1, "p1": channel.sid, "p2": 1}
        circuit.send(pack(WRITE_NOTIFY, bytes(8), **header))
        while True:
            server.process(0.01)
            for message in circuit.drain():
                return message.p1


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
def test_a_forked_child_may_serve_with_coroutines_of_its_own(idle):
    idle.createPV("FORK:", {"A": {}})
    Later()
    assert put_with_process(idle) == 1
    child = os.fork()
    if child == 0:
        signal.signal(signal.SIGALRM, signal.SIG_DFL)
        signal.alarm(30)  # ends it, should it wait for ever
        idle.start()
        os._exit(0 if put_with_process(idle) == 1 else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert put_with_process(idle) == 1


def program(text):
    return subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(text)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


FORGETFUL = """
    import sys, time
    from pcaspy import *
    from pcaspy.testing import IsolatedServer
    from pcaspy.tools import ServerThread
    server = IsolatedServer()
    server.createPV("END:", {"A": {"scan": 0.01}})
    driver = Driver()
"""


@pytest.mark.parametrize(
    "end",
    [
        "server.start()",
        "server.process(0.01)",
        "del server",
        "with server: pass",
        "server.start(); 1 / 0",
    ],
)
def test_programs_end(end):
    child = program(FORGETFUL + "    " + end)
    child.communicate(timeout=30)
    assert child.returncode == (1 if "/" in end else 0)


@pytest.mark.parametrize(
    "busy", ["server.process(1000)", "ServerThread(server).start()"]
)
def test_interrupt_ends_a_program_that_forgot(busy):
    child = program(
        FORGETFUL
        + f"""
    server.start()
    print("ready", flush=True)
    {busy}
    time.sleep(1000)
    """
    )
    assert child.stdout.readline() == "ready\n"
    time.sleep(0.2)
    child.send_signal(signal.SIGINT)
    child.communicate(timeout=30)
    assert child.returncode != 0


def test_a_thread_may_create_and_delete_pvs_meanwhile(server, circuit):
    server.createPV("RACE:", {"A": {}})
    driver = Driver()
    stop = threading.Event()

    def churn():
        while not stop.is_set():
            server.createPV("RACE:", {"B": {}})
            del manager.pvf["RACE:B"]

    thread = threading.Thread(target=churn)
    thread.start()
    try:
        channel = circuit.create("RACE:A")
        for n in range(200):
            driver.setParam("A", n)
            driver.updatePVs()
            assert circuit.get(channel, DOUBLE).p1 == 1
    finally:
        stop.set()
        thread.join()
    gc.collect()
