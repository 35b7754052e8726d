"""Puts in a file: rotation, disks that are full, files that go away."""

import contextlib
import json
import logging
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from putlog_support import Tally, put

from pcaspy import PutLog
from pcaspy.putlog.file import ToFile
from support.wire import LONG_DEADLINE

# For programs of these tests.
PATH = [str(Path(__file__).parent), str(Path(__file__).parents[2])]


@pytest.fixture
def tally():
    return Tally()


def news(path):
    """The new values in a file; each of its lines must be whole."""
    return [json.loads(line)["new"] for line in path.read_text().splitlines()]


def write(target, numbers):
    for number in numbers:
        assert target.write(put(new=number), 0)
    target.pump()


def test_a_log_that_has_ended_counts_what_it_misses(serve, client, caplog):
    server = serve(PutLog("no\0path", burst=0), {"A": {}})
    writer = client(server)
    writer.send("L:A", [1])
    deadline = time.monotonic() + LONG_DEADLINE
    while "it has ended" not in caplog.text:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    writer.send("L:A", range(10))
    assert server.stats()["puts_not_logged"] == 10


def test_puts_are_there_when_the_server_has_ended(serve, client, tmp_path):
    path = tmp_path / "puts.log"
    path.write_text('{"new":"before"}\n')
    server = serve(PutLog(path, burst=0), {"A": {}})
    writer = client(server)
    writer.send("L:A", range(500))
    server.close()
    assert news(path) == ["before", *range(500)]
    assert server.stats()["puts_logged"] == 500
    server.start()
    writer = client(server)
    writer.put("L:A", 7)
    server.close()
    assert news(path)[-1] == 7


def test_full_files_are_renamed(tmp_path, tally):
    path = tmp_path / "puts.log"
    target = ToFile(path, 1000, 3, tally)
    for number in range(50):
        write(target, [number])
    names = sorted(found.name for found in tmp_path.iterdir())
    assert names == ["puts.log", "puts.log.1", "puts.log.2", "puts.log.3"]
    kept = [n for name in reversed(names) for n in news(tmp_path / name)]
    assert kept == list(range(50 - len(kept), 50))
    assert all(found.stat().st_size <= 1000 for found in tmp_path.iterdir())
    assert (tally.written, tally.dropped) == (50, 0)


def test_no_old_files_are_kept_where_none_are_wanted(tmp_path, tally):
    target = ToFile(tmp_path / "puts.log", 1000, 0, tally)
    for number in range(50):
        write(target, [number])
    assert [found.name for found in tmp_path.iterdir()] == ["puts.log"]
    assert news(tmp_path / "puts.log")[-1] == 49


def test_another_program_renames_the_file(tmp_path, tally):
    path = tmp_path / "puts.log"
    target = ToFile(path, 10_000, 3, tally)
    write(target, [1])
    path.rename(tmp_path / "old")
    write(target, [2])
    path.unlink()
    write(target, [3])
    assert news(tmp_path / "old") == [1]
    assert news(path) == [3]


def test_a_full_disk(tally, caplog, tmp_path):
    full = tmp_path / "puts.log"
    full.symlink_to("/dev/full")
    target = ToFile(full, 10_000, 3, tally)
    with caplog.at_level(logging.WARNING, "pcaspy.putlog"):
        write(target, [1, 2])
        write(target, [3])
        full.unlink()  # there is room again
        write(target, [4])
    assert (tally.written, tally.dropped) == (1, 3)
    assert news(full) == [4]
    said = [record.getMessage() for record in caplog.records]
    assert len(said) == 2
    assert "No space left" in said[0]
    assert "logged again" in said[1]


def read_all(pipe):
    """What is in a pipe now."""
    data = b""
    with contextlib.suppress(BlockingIOError):
        while part := os.read(pipe, 2**16):
            data += part
    return data


def reopen(descriptor, path):
    """Makes an open descriptor one of this file."""
    opened = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    os.dup2(opened, descriptor)
    os.close(opened)


@pytest.fixture
def pipe(tmp_path):
    """The path of a named pipe, and its reader."""
    path = tmp_path / "puts.pipe"
    os.mkfifo(path)
    reader = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    yield path, reader
    os.close(reader)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no named pipes")
def test_a_pipe_whose_reader_stalls_has_whole_lines(pipe, tally, caplog):
    path, reader = pipe
    target = ToFile(path, 10_000, 3, tally)
    data, number = b"", 0
    for taken in (100, 30_000, 5, 2**17, 70_001, 2**20):
        for _ in range(20):  # much more than a pipe holds
            write(target, range(number, number + 64))
            number += 64
        with contextlib.suppress(BlockingIOError):
            data += os.read(reader, taken)
    assert tally.dropped > 1000
    closing = threading.Thread(target=target.close, args=(LONG_DEADLINE,))
    closing.start()
    while closing.is_alive():
        data += read_all(reader)
    data += read_all(reader)
    found = [json.loads(line)["new"] for line in data.splitlines()]
    assert data.endswith(b"\n")
    assert found == sorted(set(found))
    assert len(found) == tally.written == number - tally.dropped
    assert "its reader does not read" in caplog.text


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no named pipes")
def test_the_next_reader_of_a_pipe_begins_with_a_whole_line(pipe, tally):
    path, reader = pipe
    target = ToFile(path, 10_000, 3, tally)
    write(target, range(1000))  # the last one is cut
    reopen(reader, os.devnull)
    write(target, [-1])
    dropped = tally.dropped
    reopen(reader, path)
    write(target, [-2])
    assert tally.dropped == dropped
    assert [json.loads(line)["new"] for line in read_all(reader).splitlines()] == [-2]


LIMITED = """\
import resource, sys
sys.path[:0] = {path!r}
from pathlib import Path
from putlog_support import Tally, put
from pcaspy.putlog.file import ToFile
tally, target = Tally(), None
target = ToFile(Path(sys.argv[1]), 10**9, 3, tally)
resource.setrlimit(resource.RLIMIT_FSIZE, (1500, 10**9))
for number in range(20):
    for new in (2 * number, 2 * number + 1):
        target.write(put(new=new), 0)
    target.pump()
resource.setrlimit(resource.RLIMIT_FSIZE, (10**9, 10**9))
target.write(put(new=-1), 0)
target.pump()
print(tally.written, tally.dropped)
"""


def test_a_disk_that_is_full_in_the_middle_of_a_line(tmp_path):
    path = tmp_path / "puts.log"
    said = subprocess.check_output(
        [sys.executable, "-c", LIMITED.format(path=PATH), path], text=True
    )
    *before, last = news(path)
    assert before == list(range(len(before)))
    assert len(before) > 5
    assert last == -1
    assert said.split() == [str(len(before) + 1), str(40 - len(before))]


def test_a_path_that_cannot_be_a_file(tmp_path, tally):
    (tmp_path / "file").touch()
    write(ToFile(tmp_path / "file" / "puts.log", 1000, 1, tally), [1])
    assert tally.dropped == 1


def test_a_folder_that_comes_later(serve, client, tmp_path, caplog):
    path = tmp_path / "later" / "puts.log"
    with caplog.at_level(logging.WARNING, "pcaspy.putlog"):
        server = serve(PutLog(path, burst=0), {"A": {}})
        writer = client(server)
        assert writer.put("L:A", 1) == 1
        deadline = time.monotonic() + LONG_DEADLINE
        while server.stats()["puts_not_logged"] == 0:
            assert time.monotonic() < deadline
        path.parent.mkdir()
        while server.stats()["puts_logged"] == 0:
            writer.put("L:A", 2)
            assert time.monotonic() < deadline
        server.close()
    first = json.loads(path.read_text().splitlines()[0])
    assert first["new"] == 2
    assert first["lost"] >= 1
    assert any(str(path) in record.getMessage() for record in caplog.records)


def test_a_pipe_that_nobody_reads_is_no_reason_to_wait(tmp_path, tally):
    path = tmp_path / "pipe"
    os.mkfifo(path)
    write(ToFile(path, 1000, 1, tally), [1])
    assert tally.dropped == 1


# ---- fork ----

FORKS = """\
import os, sys
sys.path[:0] = {path!r}
from pcaspy import PutLog
from pcaspy.testing import IsolatedServer
from putlog_support import Writer

server = IsolatedServer(put_log=PutLog(sys.argv[1], burst=60))
server.createPV("L:", {{"A": {{}}, "B": {{}}}})
from pcaspy import Driver
driver = Driver()
with server:
    writer = Writer(server)
    writer.put("L:A", 1)
    pid = os.fork()
    if pid == 0:
        with server:  # what waits is not the child's to write
            Writer(server).put("L:B", 2)
        os._exit(0)
    assert os.waitpid(pid, 0)[1] == 0
    writer.put("L:A", 3)
"""


def test_a_fork(tmp_path):
    path = tmp_path / "puts.log"
    subprocess.run([sys.executable, "-c", FORKS.format(path=PATH), path], check=True)
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    found = [(line["pv"], line["new"], line.get("burst_count", 0)) for line in lines]
    assert found == [("L:B", 2, 0), ("L:A", 3, 1)]


FORKS_WHILE_A_PUT_ENDS = """\
import os, sys, threading, time
forking, written = threading.Event(), threading.Event()

def while_the_server_is_held():
    forking.set()
    assert written.wait(60)
    time.sleep(0.05)  # write() returns, and its put is noted; or all would hang here

os.register_at_fork(before=while_the_server_is_held)  # behind that of pcaspy
sys.path[:0] = {path!r}
from pcaspy import Driver, PutLog
from pcaspy.testing import IsolatedServer
from putlog_support import Writer

class Waits(Driver):
    def write(self, reason, value):
        begun.set()
        assert forking.wait(60)
        self.setParam(reason, value)
        written.set()

begun = threading.Event()
server = IsolatedServer(put_log=PutLog(sys.argv[1], burst=0))
server.createPV("L:", {{"A": {{}}}})
driver = Waits()
with server:
    puts = threading.Thread(target=lambda: Writer(server).put("L:A", 1))
    puts.start()
    assert begun.wait(60)
    pid = os.fork()
    if pid == 0:
        os._exit(0)
    assert os.waitpid(pid, 0)[1] == 0
    puts.join()
"""


def test_a_put_ends_while_the_process_forks(tmp_path):
    """Waiting for the log there would keep the interpreter from who forks."""
    path = tmp_path / "puts.log"
    code = FORKS_WHILE_A_PUT_ENDS.format(path=PATH)
    subprocess.run([sys.executable, "-c", code, path], check=True, timeout=60)
    assert news(path) == [1]


def test_a_kill_loses_less_than_a_second(tmp_path):
    """All that was answered a moment before is in the file, whole."""
    path = tmp_path / "puts.log"
    code = FORKS.partition("    pid = ")[0].format(path=PATH)
    code = code.replace("burst=60", "burst=0") + (
        "    writer.send('L:A', range(2000))\n"
        "    print('sent', flush=True)\n"
        "    import time; time.sleep(600)\n"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", code, path], stdout=subprocess.PIPE, text=True
    )
    try:
        assert process.stdout.readline() == "sent\n"
        deadline = time.monotonic() + LONG_DEADLINE
        while not path.exists() or len(path.read_text().splitlines()) < 2001:
            assert time.monotonic() < deadline
            time.sleep(0.01)
        process.send_signal(signal.SIGKILL)
    finally:
        process.kill()
        process.communicate()
    assert news(path) == [1, *range(2000)]
