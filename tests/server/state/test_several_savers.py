"""Servers that share a file of values, and the child of a fork."""

import contextlib
import os
import subprocess
import sys
import textwrap

import pytest
from state_support import Kept, is_saved, messages, values_in, wait_until

from pcaspy.__main__ import main

# ---- several servers ----


def test_two_servers_with_one_file(path, caplog, saved):
    saved({"A": {}, "OLD": {}}, A=5, OLD=1)
    first, second = Kept(path, {"A": {}}), Kept(path, {"A": {}, "B": {}})
    with first as driver:
        caplog.clear()
        with second as other:
            (told,) = messages(caplog)
            assert "not saved" in told
            assert "another server of this process saves to it" in told
            assert other.getParam("A") == 5
            other.setParam("B", 7)
            other.setParam("A", 8)
            driver.setParam("A", 6)
            wait_until(is_saved(path, 6.0), "the first does not save")
            first.__exit__(None, None, None)
            # Now the second one may. Of A, the value counts that was set last.
            wait_until(is_saved(path, 7.0, "X:B"), "the second does not save")
            assert values_in(path) == {"X:A": 6.0, "X:B": 7.0, "X:OLD": 1.0}
            assert "saved again" in messages(caplog)[-1]
            first.__enter__()


def test_a_server_that_cannot_start_leaves_the_file_to_another_one(path, caplog):
    pvdb = {"A": {}}
    other = Kept(path, pvdb, interfaces=["203.0.113.1"])  # no host has that address
    with pytest.raises(OSError, match=r"203\.0\.113\.1"):
        other.server.start()
    with Kept(path, pvdb) as driver:
        driver.setParam("A", 5)
        wait_until(is_saved(path, 5.0), "it is not saved")
    assert messages(caplog) == []


PROCESS = """
    import sys
    from pcaspy import Driver
    from pcaspy.testing import IsolatedServer

    server = IsolatedServer(threaded=False, state={path!r}, autosave={{"*": 0.1}})
    with server:
        server.createPV("X:", dict.fromkeys("ABCD", {{}}))
        driver = Driver()
        driver.setParam("A", 1)
        print("serving", flush=True)
        for line in sys.stdin:
            reason, value = line.split()
            driver.setParam(reason, float(value))
"""


@contextlib.contextmanager
def other_process(path):
    """Another server with X:A to X:D, where A is 1; what it is sent is set."""
    program = textwrap.dedent(PROCESS.format(path=str(path)))
    command = [sys.executable, "-c", program]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            assert process.stdout.readline() == "serving\n"
            yield process
        finally:
            process.kill()


def set_there(process, reason, value):
    process.stdin.write(f"{reason} {value}\n")
    process.stdin.flush()


def test_two_processes_with_one_file(path, caplog):
    with other_process(path) as process:
        wait_until(is_saved(path, 1.0), "the first does not save")
        with Kept(path, {"A": {}, "E": {}}) as driver:
            driver.setParam("E", 5)
            (told,) = messages(caplog)
            assert f"the server in process {process.pid} saves to it" in told
            assert values_in(path) == {"X:A": 1.0}
            process.kill()  # the lock goes with it
            wait_until(is_saved(path, 5.0, "X:E"), "it is not saved")
            assert values_in(path) == {"X:A": 1.0, "X:E": 5.0}


def test_the_second_one_keeps_what_the_first_has_saved_since(path, saved):
    """Of each PV, the value that was set last by either; the rest is as it was."""
    saved({key: {} for key in "ABCD"}, A=0, B=0, C=0, D=0)
    with other_process(path) as process:
        wait_until(is_saved(path, 1.0), "the first does not save")
        with Kept(path, {key: {} for key in "ABCDE"}) as driver:
            assert [driver.getParam(reason) for reason in "ABCD"] == [1, 0, 0, 0]
            driver.setParam("B", 20)
            set_there(process, "A", 10)
            set_there(process, "B", 21)
            set_there(process, "D", 40)
            wait_until(is_saved(path, 40.0, "X:D"), "the first does not save")
            driver.setParam("D", 41)
            driver.setParam("C", 30)
            process.kill()
            process.wait()
            wait_until(is_saved(path, 30.0, "X:C"), "the second does not save")
            expected = {"X:A": 10.0, "X:B": 21.0, "X:C": 30.0, "X:D": 41.0}
            assert values_in(path) == expected
            # What it serves is what it was; from now on all of it is saved.
            assert [driver.getParam(reason) for reason in "AB"] == [1, 20]
            driver.setParam("A", 2)
            wait_until(is_saved(path, 2.0), "the second does not save")
    assert values_in(path) == expected | {"X:A": 2.0}


def test_a_server_that_starts_again_keeps_what_another_has_saved(path):
    kept = Kept(path, {key: {} for key in "AB"})
    with kept as driver:
        driver.setParam("A", 1)
        driver.setParam("B", 1)
    with Kept(path, {key: {} for key in "AB"}) as driver:
        driver.setParam("A", 2)
    with kept as driver:
        driver.setParam("B", 3)
    assert values_in(path) == {"X:A": 2.0, "X:B": 3.0}


def test_a_lock_that_is_removed_is_none(path, caplog):
    """Whoever removes it lets another server write: then this one waits."""
    lock = path.with_name(path.name + ".lock")
    with Kept(path, {key: {} for key in "AB"}) as driver:
        driver.setParam("A", 1)
        wait_until(is_saved(path, 1.0), "it is not saved")
        lock.unlink()
        driver.setParam("A", 2)
        wait_until(is_saved(path, 2.0), "it is not saved without the lock")
        assert lock.exists()
        lock.unlink()
        with Kept(path, {key: {} for key in "AB"}) as other:
            other.setParam("B", 3)
            wait_until(is_saved(path, 3.0, "X:B"), "the other one does not save")
            driver.setParam("A", 4)
            wait_until(lambda: messages(caplog), "two servers save")
            (told,) = messages(caplog)
            assert "another server of this process saves to it" in told
            assert values_in(path) == {"X:A": 2.0, "X:B": 3.0}
        wait_until(is_saved(path, 4.0), "it does not save again")
    assert values_in(path) == {"X:A": 4.0, "X:B": 3.0}


def test_what_is_removed_from_the_file_meanwhile_stays_removed(path):
    kept = Kept(path, {key: {} for key in "AB"})
    with kept as driver:
        driver.setParam("A", 1)
        driver.setParam("B", 1)
    assert not main(["state", str(path), "--remove", "X:A"])
    with kept as driver:
        driver.setParam("B", 3)
    assert values_in(path) == {"X:B": 3.0}


def test_servers_with_files_of_their_own(tmp_path):
    kept = [Kept(tmp_path / f"{n}.state", {"A": {}}) for n in range(3)]
    for n, server in enumerate(kept):
        with server as driver:
            driver.setParam("A", n)
    for n in range(3):
        assert values_in(tmp_path / f"{n}.state") == {"X:A": float(n)}


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there are no forks")
def test_a_child_neither_saves_nor_holds_the_lock(path):
    """It has the values, and changes them, and outlives its parent's server."""
    with Kept(path, {"A": {}}) as driver:
        driver.setParam("A", 5)
        wait_until(is_saved(path, 5.0), "it is not saved")
        reader, writer = os.pipe()
        child = os.fork()
        if not child:
            try:
                os.close(writer)
                driver.setParam("A", 99)
                names = os.listdir("/proc/self/fd") if sys.platform == "linux" else []
                links = [os.path.realpath(f"/proc/self/fd/{n}") for n in names]
                assert not [link for link in links if str(path) in link]
                driver.pvDB.registry.close()
                os.read(reader, 1)  # until the parent is done
                os._exit(0)
            finally:
                os._exit(1)
        os.close(reader)
        driver.setParam("A", 6)
        wait_until(is_saved(path, 6.0), "the parent does not save any more")
    # The child lives, and the lock is free.
    with Kept(path, {"A": {}}) as driver:
        assert driver.getParam("A") == 6
        driver.setParam("A", 7)
        wait_until(is_saved(path, 7.0), "the child holds the lock")
    os.close(writer)
    assert os.waitpid(child, 0)[1] == 0
    assert is_saved(path, 7.0)()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there are no forks")
def test_forks_while_it_saves(path):
    """In the middle of a write or of a look: the child ends, and so does the parent."""
    with Kept(path, {f"A{n}": {} for n in range(50)}) as driver:
        for n in range(40):
            for m in range(50):
                driver.setParam(f"A{m}", n)
            driver.pvDB.registry.keeper._saver.look_again()
            child = os.fork()
            if not child:
                driver.setParam("A0", -1)
                driver.pvDB.registry.close()
                os._exit(0)
            assert os.waitpid(child, 0)[1] == 0
    assert set(values_in(path).values()) == {39.0}
