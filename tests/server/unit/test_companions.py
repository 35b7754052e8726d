"""A companion of a server is called once for each start and end of it, in order."""

import itertools
import logging
import os
import threading

from pcaspy.host.companions import Companion
from pcaspy.testing import IsolatedServer


class Witness(Companion):
    def __init__(self, name, seen, serves):
        self.name, self.seen, self.serves = name, seen, serves

    def __getattribute__(self, method):
        if method in ("start", "end", "prepare", "before_fork", "in_parent"):
            self.seen.append((self.name, method, self.serves()))
        return super().__getattribute__(method)

    def in_child(self):
        self.seen.append((self.name, "in_child", None))


def watched(*names):
    isolated = IsolatedServer(threaded=False)
    held = isolated._pcaspy
    seen = []
    for name in names:
        held.companions.add(Witness(name, seen, lambda: held.engine.running))
    return isolated, held, seen


def test_each_start_and_end():
    isolated, held, seen = watched("a", "b")
    with isolated:
        held.start()  # it serves already
        once = [
            ("a", "prepare", False),
            ("b", "prepare", False),
            ("a", "start", True),
            ("b", "start", True),
        ]
        assert seen == once
        held.close()
        held.close()
        assert seen == [*once, ("b", "end", True), ("a", "end", True)]
        seen.clear()
        held.start()
        assert seen == once
    assert len(seen) == 6


def test_one_that_fails_stops_nothing(caplog):
    isolated, held, seen = watched("b")

    class Broken(Companion):
        def prepare(self):
            raise ValueError("no")

        start = end = prepare

    held.companions.add(Broken())
    with caplog.at_level(logging.ERROR), isolated:
        assert held.engine.running
    assert [method for _, method, _ in seen] == ["prepare", "start", "end"]
    told = [record.getMessage() for record in caplog.records]
    assert told == [f"Broken.{name} failed" for name in ("prepare", "start", "end")]


def test_many_threads_start_and_close():
    isolated, held, seen = watched("a")

    def starts():
        for _ in range(30):
            held.start()
            held.close()

    with isolated:
        threads = [threading.Thread(target=starts) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    methods = [method for _, method, _ in seen]
    for before, after in itertools.pairwise(methods):
        assert (
            after
            in {
                "prepare": ("start", "end"),
                "start": ("end",),
                "end": ("prepare",),
            }[before]
        )
    assert methods[-1] == "end"


def test_a_fork():
    isolated, _held, seen = watched("a", "b")
    with isolated:
        seen.clear()
        reading, writing = os.pipe()
        pid = os.fork()
        if pid == 0:
            os.write(writing, repr([entry[:2] for entry in seen]).encode())
            os._exit(0)
        os.waitpid(pid, 0)
        in_child = eval(os.read(reading, 10_000))
        assert in_child == [
            ("a", "before_fork"),
            ("b", "before_fork"),
            ("b", "in_child"),
            ("a", "in_child"),
        ]
        assert [entry[:2] for entry in seen] == [
            ("a", "before_fork"),
            ("b", "before_fork"),
            ("b", "in_parent"),
            ("a", "in_parent"),
        ]
        os.close(reading)
        os.close(writing)
