"""Servers that share a file of values, and the child of a fork."""

import os
import subprocess
import sys
import textwrap

import pytest
from state_support import Kept, is_saved, messages, values_in, wait_until

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
            # Now the second one may, and keeps what it does not serve.
            wait_until(is_saved(path, 8.0), "the second does not save")
            assert values_in(path) == {"X:A": 8.0, "X:B": 7.0, "X:OLD": 1.0}
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


def test_two_processes_with_one_file(path, caplog):
    program = f"""
        import sys
        from pcaspy import Driver
        from pcaspy.testing import IsolatedServer

        server = IsolatedServer(threaded=False, state={str(path)!r}, autosave=True)
        with server:
            server.createPV("Y:", {{"A": {{}}}})
            Driver().setParam("A", 1)
            print("serving", flush=True)
            sys.stdin.read()
    """
    command = [sys.executable, "-c", textwrap.dedent(program)]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout.readline() == "serving\n"
        with Kept(path, {"A": {}}) as driver:
            driver.setParam("A", 5)
            (told,) = messages(caplog)
            assert f"the server in process {process.pid} saves to it" in told
            assert not path.exists()
            process.kill()  # the lock goes with it
            wait_until(is_saved(path, 5.0), "it is not saved")
        process.stdin.close()


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
