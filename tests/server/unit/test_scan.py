"""The scanner's turns, by a clock that the test sets."""

import threading

import pytest

from pcaspy import Driver
from pcaspy.served.scan import MAX_WORKERS, Scanner


class Clock:
    now = 100.0

    def __call__(self):
        return self.now


class Quick:
    def __init__(self):
        self.read = threading.Semaphore(0)

    def scan(self):
        self.read.release()


class Stuck:
    def __init__(self):
        self.begun = threading.Event()
        self.end = threading.Event()

    def scan(self):
        self.begun.set()
        self.end.wait()


class Broken(Quick):
    def scan(self):
        super().scan()
        raise RuntimeError("broken")


def due(scanner):
    """The PVs that are queued now, taken out as if they were read."""
    with scanner._changed:
        following = scanner.enqueue_due()
        taken = list(scanner._queue)
        scanner._queue.clear()
        scanner._taken.clear()
    return taken, following


def test_turns_stay_on_their_grid():
    scanner = Scanner(clock := Clock())
    scanner.set("A", 2.0)
    assert due(scanner) == (["A"], 102.0)
    clock.now = 102.3
    assert due(scanner) == (["A"], 104.0)
    clock.now = 103.9
    assert due(scanner) == ([], 104.0)
    clock.now = 111.0
    assert due(scanner) == (["A"], 112.0)


def test_a_pv_that_is_still_read_misses_its_turn():
    scanner = Scanner(clock := Clock())
    scanner.set("A", 1.0)
    with scanner._changed:
        scanner.enqueue_due()
        clock.now += 1.0
        scanner.enqueue_due()
        assert list(scanner._queue) == ["A"]


def test_periods_can_be_changed():
    scanner = Scanner(clock := Clock())
    scanner.set("A", 1.0)
    scanner.set("A", 5.0)
    scanner.set("B", 5.0)
    assert due(scanner) == (["A", "B"], 105.0)
    scanner.set("A", 0)
    clock.now = 105.0
    assert due(scanner) == (["B"], 110.0)
    scanner.set("B", 0)
    assert due(scanner) == ([], None)


@pytest.fixture
def running():
    scanner = Scanner()
    scanner.start()
    yield scanner
    scanner.stop()


def test_a_stuck_read_delays_nobody_else(running):
    stuck = [Stuck() for _ in range(MAX_WORKERS - 1)]
    quick = Quick()
    try:
        for pv in (*stuck, quick):
            running.set(pv, 0.01)
        for _ in range(5):
            assert quick.read.acquire(timeout=20)
        assert running.threads <= MAX_WORKERS + 1
    finally:
        for pv in stuck:
            pv.end.set()


def test_a_failing_read_goes_on(running):
    broken = Broken()
    running.set(broken, 0.01)
    for _ in range(3):
        assert broken.read.acquire(timeout=20)


def test_the_first_read_comes_at_the_start():
    scanner, quick = Scanner(), Quick()
    scanner.set(quick, 1000)
    scanner.start()
    assert quick.read.acquire(timeout=20)
    scanner.stop()


def test_what_was_read_at_the_end_is_read_after_a_new_start(running):
    stuck = Stuck()
    running.set(stuck, 1000)
    try:
        for _ in range(3):
            assert stuck.begun.wait(20)
            running.stop()
            stuck.begun.clear()
            running.start()
        assert stuck.begun.wait(20)
    finally:
        stuck.end.set()


def test_many_pvs_need_few_threads(running):
    pvs = [Quick() for _ in range(2000)]
    for pv in pvs:
        running.set(pv, 0.05)
    for pv in pvs:
        assert pv.read.acquire(timeout=20)
        assert pv.read.acquire(timeout=20)
    assert running.threads <= MAX_WORKERS + 1


def test_no_threads_without_scanned_pvs():
    scanner = Scanner()
    scanner.start()
    assert scanner.threads == 0
    scanner.stop()


class Counter(Driver):
    def __init__(self):
        self.reads = 0
        self.third = threading.Event()
        super().__init__()

    def read(self, reason):
        self.reads += 1
        if self.reads >= 3:
            self.third.set()
        if self.reads == 1:
            raise RuntimeError("the first read fails")
        return self.reads


def test_scan_of_a_driver(server, caplog):
    server.createPV("S:", {"A": {"scan": 0.01}})
    driver = Counter()
    assert driver.third.wait(20)
    driver.setParamInfo("A", {"scan": 0})
    assert driver.pvDB["A"].alarm == 0
    assert "S:A" in caplog.records[0].getMessage()
