"""A server in the event loop of a program: ``await server.serve()``."""

import asyncio
import os
import signal
import struct
import subprocess
import sys
import threading
import time

import pytest

from pcaspy import Driver, SimpleServer
from pcaspy.testing import IsolatedServer
from support import dbr
from support.wire import (
    ECA_NORMAL,
    ECA_PUTFAIL,
    EVENT_ADD,
    LONG_DEADLINE,
    READ_NOTIFY,
    Circuit,
    pack,
)

PVDB = {
    **{name: {} for name in ("PLAIN", "ASYNC", "FAILS", "CLOSES", "SLOW")},
    "SCANNED": {"scan": 0.01, "mdel": -1},
    "ALATER": {"scan": 0.01, "mdel": -1},
}


def double(value):
    return struct.pack(">d", value)


def number(message):
    return struct.unpack(">d", message.payload[:8])[0]


class Threads(Driver):
    """Notes in which thread it is asked."""

    def __init__(self, server):
        super().__init__(server)
        self.server = server
        self.seen = set()
        self.cancelled = threading.Event()

    def note(self, what):
        self.seen.add((what, threading.get_ident()))

    def read(self, reason):
        self.note("read " + reason)
        if reason in ("ASYNC", "ALATER"):
            return self.read_later(reason)
        return self.getParam(reason) if reason != "SCANNED" else time.monotonic()

    async def read_later(self, reason):
        await asyncio.sleep(0)
        self.note("later " + reason)
        return self.getParam(reason) if reason == "ASYNC" else time.monotonic()

    def write(self, reason, value):
        self.note("write " + reason)
        if reason == "FAILS":
            raise RuntimeError("no")
        if reason == "CLOSES":
            self.server.close()
        if reason in ("ASYNC", "SLOW"):
            return self.write_later(reason, value)
        self.setParam(reason, value)
        return True

    async def write_later(self, reason, value):
        try:
            await asyncio.sleep(1000 if reason == "SLOW" else 0)
        except asyncio.CancelledError:
            self.cancelled.set()
            raise
        self.note("wrote " + reason)
        self.setParam(reason, value)


@pytest.fixture
def driver(idle):
    idle.close()  # scans begin with serve()
    idle.createPV("L:", PVDB)
    return Threads(idle)


def client(server, ask):
    """What ``ask(circuit)`` returns, asked in a thread."""

    def run():
        with Circuit(("127.0.0.1", server.tcp_port)) as circuit:
            return ask(circuit)

    return asyncio.to_thread(run)


async def served(server, ask):
    """The same while `server` serves."""
    task = asyncio.create_task(server.serve())
    await asyncio.sleep(0)
    try:
        return await client(server, ask)
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


def put_and_get(circuit):
    found = []
    for name in ("PLAIN", "ASYNC"):
        channel = circuit.create("L:" + name)
        found.append(circuit.put(channel, dbr.DOUBLE, double(2)).p1)
        found.append(number(circuit.get(channel, dbr.DOUBLE)))
    channel = circuit.create("L:FAILS")
    found.append(circuit.put(channel, dbr.DOUBLE, double(2)).p1)
    for name in ("SCANNED", "ALATER"):
        subid, _first = circuit.subscribe(circuit.create("L:" + name), dbr.DOUBLE)
        for _ in range(2):
            circuit.expect(EVENT_ADD, LONG_DEADLINE, p2=subid)
        break
    return found


class NoReaders(asyncio.SelectorEventLoop):
    """An event loop that cannot watch descriptors, as Windows' proactor."""

    def add_reader(self, fd, callback, *args):
        raise NotImplementedError


@pytest.fixture(params=["reader", "no reader"])
def new_loop(request):
    """Makes an event loop, one that is closed at the end."""
    made = []

    def new():
        loop = asyncio.new_event_loop() if request.param == "reader" else NoReaders()
        made.append(loop)
        return loop

    yield new
    for loop in made:
        loop.close()


def test_all_that_drivers_do_is_done_in_the_loop(idle, driver, new_loop, caplog):
    loop = new_loop()
    found = loop.run_until_complete(served(idle, put_and_get))
    assert found == [ECA_NORMAL, 2, ECA_NORMAL, 2, ECA_PUTFAIL]
    assert {thread for _what, thread in driver.seen} == {threading.get_ident()}
    told = {what for what, _thread in driver.seen}
    assert told >= {"read SCANNED", "read ALATER", "later ALATER", "wrote ASYNC"}
    assert "RuntimeError: no" in caplog.text
    assert not idle._pcaspy.engine.running


def test_it_serves_again(idle, driver, new_loop):
    loop = new_loop()
    for _ in range(3):
        assert loop.run_until_complete(served(idle, put_and_get))[0] == ECA_NORMAL
    # And after that the old way, with a thread for coroutines.
    driver.seen.clear()
    idle.start()
    asked = threading.Thread(target=lambda: found.append(ask_here(idle)))
    found = []
    asked.start()
    while asked.is_alive():
        idle.process(0.01)
    assert found[0][:4] == [ECA_NORMAL, 2, ECA_NORMAL, 2]
    assert len({thread for _what, thread in driver.seen}) > 1


def ask_here(server):
    with Circuit(("127.0.0.1", server.tcp_port)) as circuit:
        return put_and_get(circuit)


def test_the_loop_goes_on_while_there_is_much_to_do(idle, driver):
    ticks = []

    async def tick():
        while True:
            ticks.append(None)
            await asyncio.sleep(0)

    def pipeline(circuit):
        channel = circuit.create("L:PLAIN")
        before = len(ticks)
        circuit.send(
            b"".join(
                pack(READ_NOTIFY, type=dbr.DOUBLE, count=1, p1=channel.sid, p2=ioid)
                for ioid in range(1000, 7000)
            )
        )
        for _ in range(6000):
            circuit.expect(READ_NOTIFY, LONG_DEADLINE)
        return len(ticks) - before

    async def main():
        ticker = asyncio.create_task(tick())
        during = await served(idle, pipeline)
        ticker.cancel()
        return during

    assert asyncio.run(main()) > 10


@pytest.mark.parametrize("where", ["thread", "loop", "write"])
def test_close_ends_it(idle, driver, new_loop, where):
    async def main():
        task = asyncio.create_task(idle.serve())
        await asyncio.sleep(0)
        if where == "thread":
            await asyncio.to_thread(idle.close)
        elif where == "loop":
            idle.close()
        else:
            await client(idle, lambda c: c.write(c.create("L:CLOSES"), 6, double(1)))
        await asyncio.wait_for(task, LONG_DEADLINE)
        return "ended"

    assert new_loop().run_until_complete(main()) == "ended"


def test_its_end_cancels_coroutines(idle, driver, caplog):
    async def main():
        task = asyncio.create_task(idle.serve())
        await asyncio.sleep(0)
        with Circuit(("127.0.0.1", idle.tcp_port)) as circuit:

            def begin():
                circuit.write(circuit.create("L:SLOW"), dbr.DOUBLE, double(1))
                return circuit.get(circuit.create("L:PLAIN"), dbr.DOUBLE)

            await asyncio.to_thread(begin)
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            assert driver.cancelled.is_set()
            assert asyncio.all_tasks() == {asyncio.current_task()}

    asyncio.run(main())


def test_only_one_handles_the_requests(idle, driver):
    async def main():
        task = asyncio.create_task(idle.serve())
        await asyncio.sleep(0)
        with pytest.raises(RuntimeError, match=r"process\(\) cannot be called while"):
            idle.process(0)
        with pytest.raises(RuntimeError, match=r"process\(\) cannot be called while"):
            await asyncio.to_thread(idle.process, 0.01)
        with pytest.raises(RuntimeError, match=r"serve\(\) runs already"):
            await idle.serve()
        assert await client(idle, put_and_get)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    asyncio.run(main())


def test_not_while_process_runs(idle, driver):
    entered, leave = threading.Event(), threading.Event()

    def write(reason, value):
        entered.set()
        assert leave.wait(LONG_DEADLINE)

    driver.write = write
    idle.start()
    thread = threading.Thread(target=idle.process, args=(1,))
    thread.start()
    with Circuit(("127.0.0.1", idle.tcp_port)) as circuit:
        circuit.write(circuit.create("L:PLAIN"), dbr.DOUBLE, double(1))
        assert entered.wait(LONG_DEADLINE)
        with pytest.raises(RuntimeError, match="while process"):
            asyncio.run(idle.serve())
    leave.set()
    thread.join()


def test_the_loop_that_was_given(new_loop):
    loop = new_loop()
    with IsolatedServer(threaded=False, loop=loop) as server:
        with pytest.raises(RuntimeError, match="another event loop"):
            asyncio.run(server.serve())
        server.close()
        server.createPV("L:", PVDB)
        driver = Threads(server)
        found = loop.run_until_complete(served(server, put_and_get))
        assert found[:4] == [ECA_NORMAL, 2, ECA_NORMAL, 2]
        assert {thread for _what, thread in driver.seen} == {threading.get_ident()}


@pytest.mark.parametrize("loop", [5, "loop", asyncio])
def test_what_is_no_loop(loop):
    with pytest.raises(TypeError, match=r"SimpleServer\(loop=\) takes an event loop"):
        SimpleServer(port=0, loop=loop)


def test_coroutines_run_in_the_given_loop_with_process_too():
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    with IsolatedServer(loop=loop) as server:
        server.createPV("L:", PVDB)
        driver = Threads(server)
        ask_here(server)
        threads = dict(driver.seen)
        assert threads["wrote ASYNC"] == threads["later ASYNC"] == thread.ident
        assert threads["write ASYNC"] != thread.ident
    loop.call_soon_threadsafe(loop.stop)
    thread.join()
    loop.close()


def test_a_given_loop_that_is_closed_fails_requests_alone(caplog):
    loop = asyncio.new_event_loop()
    loop.close()
    with IsolatedServer(loop=loop) as server:
        server.createPV("L:", PVDB)
        Threads(server)
        with Circuit(("127.0.0.1", server.tcp_port)) as circuit:
            channel = circuit.create("L:ASYNC")
            assert circuit.put(channel, dbr.DOUBLE, double(1)).p1 == ECA_PUTFAIL
            assert circuit.get(channel, dbr.DOUBLE).p1 != ECA_NORMAL
            plain = circuit.create("L:PLAIN")
            assert circuit.put(plain, dbr.DOUBLE, double(1)).p1 == ECA_NORMAL
    assert "Event loop is closed" in caplog.text


def test_a_loop_that_is_closed_while_it_serves(idle, driver, new_loop):
    loop = new_loop()
    task = loop.create_task(idle.serve())
    loop.run_until_complete(asyncio.sleep(0))
    loop.close()
    task._log_destroy_pending = False
    idle.close()
    del task
    idle.start()
    with Circuit(("127.0.0.1", idle.tcp_port)) as circuit:
        circuit.write(circuit.create("L:PLAIN"), dbr.DOUBLE, double(7))
        while driver.getParam("PLAIN") != 7:
            idle.process(0.01)


def test_a_loop_that_is_left_while_it_serves(idle, driver, new_loop):
    """What of serve() runs later ends nothing that was begun since."""
    loop = new_loop()
    task = loop.create_task(idle.serve())
    loop.run_until_complete(asyncio.sleep(0))
    idle.close()
    idle.start()
    with Circuit(("127.0.0.1", idle.tcp_port)) as circuit:
        circuit.write(circuit.create("L:ASYNC"), dbr.DOUBLE, double(7))
        while driver.getParam("ASYNC") != 7:
            idle.process(0.01)
        loop.run_until_complete(task)
        assert idle._pcaspy.engine.running
        circuit.write(circuit.create("L:PLAIN"), dbr.DOUBLE, double(8))
        while driver.getParam("PLAIN") != 8:
            idle.process(0.01)


def test_served_anew_before_the_last_time_has_ended(idle, driver):
    async def main():
        first = asyncio.create_task(idle.serve())
        await asyncio.sleep(0)
        idle.close()
        second = asyncio.create_task(idle.serve())
        await first
        await asyncio.sleep(0)
        assert await client(idle, put_and_get)
        second.cancel()
        await asyncio.gather(second, return_exceptions=True)

    asyncio.run(main())


def test_an_address_that_cannot_be_used():
    async def main():
        server = SimpleServer(port=0, interfaces=["203.0.113.7"])
        with pytest.raises(OSError, match="address"):
            await server.serve()
        with pytest.raises(OSError, match="address"):
            await server.serve()

    asyncio.run(main())


PROGRAM = """
import asyncio, os, sys
from pcaspy import Driver
from pcaspy.testing import IsolatedServer

class Own(Driver):
    def write(self, reason, value):
        if reason == "RAISES":
            raise KeyboardInterrupt
        if reason == "FORKS":
            self.setParam(reason, os.fork() or -1)
            if self.getParam(reason) == -1:
                os._exit(0 if server._pcaspy.turns is None else 1)
            return True
        self.setParam(reason, value)

async def main():
    server.createPV("P:", {"RAISES": {}, "FORKS": {"type": "int"}, "A": {}})
    Own()
    print(server.tcp_port, flush=True)
    try:
        await server.serve()
    finally:
        print("ended", server._pcaspy.engine.running, flush=True)

server = IsolatedServer(threaded=False)
server.start()
asyncio.run(main())
"""


@pytest.fixture
def program():
    child = subprocess.Popen(
        [sys.executable, "-c", PROGRAM],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    with child:
        yield child
        child.kill()


def test_ctrl_c_ends_the_program(program):
    port = int(program.stdout.readline())
    with Circuit(("127.0.0.1", port)) as circuit:
        circuit.create("P:A")
        program.send_signal(signal.SIGINT)
        assert program.stdout.readline() == "ended False\n"
    assert "KeyboardInterrupt" in program.stderr.read()
    assert program.wait(LONG_DEADLINE) != 0


def test_keyboard_interrupt_in_write_ends_the_program(program):
    port = int(program.stdout.readline())
    with Circuit(("127.0.0.1", port)) as circuit:
        circuit.write(circuit.create("P:RAISES"), dbr.DOUBLE, double(1))
        assert program.stdout.readline() == "ended False\n"
    assert "KeyboardInterrupt" in program.stderr.read()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork")
def test_a_fork_in_write_leaves_the_parent_alone(program):
    port = int(program.stdout.readline())
    with Circuit(("127.0.0.1", port)) as circuit:
        forks = circuit.create("P:FORKS")
        for _ in range(3):
            reply = circuit.put(forks, dbr.DOUBLE, double(1))
            assert reply.p1 == ECA_NORMAL
        channel = circuit.create("P:A")
        assert circuit.put(channel, dbr.DOUBLE, double(1)).p1 == ECA_NORMAL
        assert number(circuit.get(channel, dbr.DOUBLE)) == 1
