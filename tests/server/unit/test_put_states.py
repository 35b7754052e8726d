"""A put is queued, carried out, perhaps deferred, then completed: each of these once.

Workers call callbackPV as they like, clients mix puts with and without callback.
"""

import random
import struct
import threading
import time

from pcaspy import Driver
from support.wire import (
    CLEAR_CHANNEL,
    ECHO,
    LONG_DEADLINE,
    WRITE,
    WRITE_NOTIFY,
    Circuit,
    create_request,
    pack,
)

LONG, NORMAL, PUTFAIL = 5, 1, 160


class Workshop(Driver):
    """Answers each put callback from a worker, which says so more than once."""

    def __init__(self):
        super().__init__()
        self.written = []
        self.random = random.Random(5)

    def write(self, reason, value):
        self.written.append(value)
        if value % 7 == 0:
            return False
        self.setParam(reason, value)
        if value % 5 == 0:
            self.callbackPV(reason)
        for _ in range(self.random.randrange(1, 4)):
            threading.Thread(target=self.callbackPV, args=[reason]).start()
        return True


def test_every_put_is_written_and_answered_once(server):
    server.createPV("P:", {"S": {"type": "int", "asyn": True}})
    driver = Workshop()
    puts, sent, answers = 300, {}, {}
    with (
        Circuit(("127.0.0.1", server.tcp_port)) as first,
        Circuit(("127.0.0.1", server.tcp_port)) as second,
    ):
        channels = [(circuit, circuit.create("P:S")) for circuit in (first, second)]
        for n in range(puts):
            circuit, channel = channels[n % 2]
            command = WRITE if n % 3 == 0 else WRITE_NOTIFY
            if command == WRITE_NOTIFY:
                sent[n] = circuit
            circuit.send(
                pack(
                    *(command, struct.pack(">i", n)),
                    type=LONG,
                    count=1,
                    p1=channel.sid,
                    p2=n,
                )
            )
        for circuit, _ in channels:
            wanted = sum(1 for one in sent.values() if one is circuit)
            while wanted:
                message = circuit.receive(LONG_DEADLINE)
                if message.command == WRITE_NOTIFY:
                    assert message.p2 not in answers
                    answers[message.p2] = message.p1
                    wanted -= 1
    assert answers == {n: PUTFAIL if n % 7 == 0 else NORMAL for n in sent}
    assert sorted(driver.written) == list(range(puts))
    for circuit in (0, 1):
        notified = [n for n in driver.written if n % 2 == circuit and n % 3]
        assert notified == sorted(notified)


class Forgetful(Driver):
    """callbackPV comes only from the test."""

    def __init__(self):
        super().__init__()
        self.written = []

    def write(self, reason, value):
        self.written.append(value)
        return True


def test_callback_does_not_answer_what_only_waits(idle):
    idle.createPV("P:", {"S": {"type": "int", "asyn": True}})
    driver = Forgetful()
    with Circuit(("127.0.0.1", idle.tcp_port)) as circuit:
        circuit.send(create_request("P:S", 1))
        channel = circuit.created(1)
        for n in range(3):
            data = struct.pack(">i", n)
            header = {"type": LONG, "count": 1, "p1": channel.sid, "p2": n}
            circuit.send(pack(WRITE_NOTIFY, data, **header))
        for n in range(3):
            while driver.written != list(range(n + 1)):
                idle.process(0.01)
            assert circuit.drain() == []
            # Workers race to say that it is done. The next one is only on its way.
            threads = [
                threading.Thread(target=driver.callbackPV, args=["S"]) for _ in range(8)
            ]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            circuit.expect(WRITE_NOTIFY, timeout=LONG_DEADLINE, p2=n, p1=NORMAL)
            assert circuit.drain() == []


class Renames(Driver):
    def updatePV(self, reason):
        raise RuntimeError("updatePV does not work")


def test_no_exception_of_a_request_leaves_process(server, caplog):
    server.createPV("P:", {"S": {"type": "int"}})
    Renames()
    with Circuit(("127.0.0.1", server.tcp_port)) as circuit:
        channel = circuit.create("P:S")
        assert circuit.put(channel, LONG, struct.pack(">i", 3)).p1 == NORMAL
        assert struct.unpack(">i", circuit.get(channel, LONG).payload[:4]) == (3,)
    assert "P:S" in caplog.text


def test_a_put_that_only_waits_goes_with_its_channel_and_with_no_other(idle):
    idle.createPV("P:", {"S": {"type": "int", "asyn": True}})
    driver = Forgetful()
    address = ("127.0.0.1", idle.tcp_port)
    with Circuit(address) as first, Circuit(address) as second:
        cleared = first.create("P:S")
        channels = [
            (first, cleared),
            (first, cleared),
            (first, first.create("P:S")),
            (second, second.create("P:S")),
        ]
        # A SID is a circuit's own: the other one's may be the same.
        assert channels[3][1].sid == cleared.sid
        for n, (circuit, channel) in enumerate(channels):
            data = struct.pack(">i", n)
            header = {"type": LONG, "count": 1, "p1": channel.sid, "p2": n}
            circuit.send(pack(WRITE_NOTIFY, data, **header) + pack(ECHO))
            circuit.expect(ECHO)  # the server has taken the put
        process_until(idle, lambda: driver.written == [0])
        first.send(pack(CLEAR_CHANNEL, p1=cleared.sid, p2=cleared.cid))
        first.expect(CLEAR_CHANNEL)
        for n in (2, 3):
            driver.callbackPV("S")
            process_until(idle, lambda n=n: driver.written[-1] == n)
        driver.callbackPV("S")
        first.expect(WRITE_NOTIFY, timeout=LONG_DEADLINE, p2=2, p1=NORMAL)
        second.expect(WRITE_NOTIFY, timeout=LONG_DEADLINE, p2=3, p1=NORMAL)
        assert driver.written == [0, 2, 3]


def process_until(server, condition):
    """Takes requests until it is so."""
    deadline = time.monotonic() + LONG_DEADLINE
    while not condition():
        assert time.monotonic() < deadline
        server.process(0.005)
