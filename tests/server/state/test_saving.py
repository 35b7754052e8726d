"""When values are saved, by whom, and what a file has after a fault."""

import errno
import os
import re
import stat
import subprocess
import sys
import tempfile
import textwrap
import threading
from pathlib import Path
from types import SimpleNamespace

import pytest
from state_support import Kept, is_saved, messages, values_in, wait_until

from pcaspy import Driver
from pcaspy.state import file as file_module
from pcaspy.state import keeper as keeper_module
from pcaspy.state.cells import Cell
from pcaspy.state.file import StateFile
from pcaspy.state.format import sealed
from pcaspy.testing import IsolatedServer

ROOT = os.geteuid() == 0 if hasattr(os, "geteuid") else False


def test_a_change_is_saved_while_it_serves(path):
    with Kept(path, {"A": {}, "N": {"type": "int"}}) as driver:
        driver.setParam("A", 5)  # without updatePVs
        wait_until(is_saved(path, 5.0), "it is not saved")
        driver.setParam("A", 6)
        driver.updatePVs()
        wait_until(is_saved(path, 6.0), "it is not saved")


def test_nothing_is_written_where_nothing_has_changed(path, monkeypatch):
    written = []
    write = StateFile.write
    monkeypatch.setattr(
        StateFile, "write", lambda *a: (written.append(1), write(*a))[1]
    )
    looks = []
    with Kept(path, {"A": {}, "B": {}}) as driver:
        keeper = driver.pvDB.registry.keeper
        save = keeper.save
        keeper.save = lambda periods: (save(periods), looks.append(1))
        driver.setParam("A", 5)
        wait_until(is_saved(path, 5.0), "it is not saved")
        assert len(written) == 1
        seen = len(looks)
        wait_until(lambda: len(looks) > seen + 3, "nobody looks")
        assert len(written) == 1
    with Kept(path, {"A": {}, "B": {}}) as driver:
        assert driver.getParam("A") == 5
    assert len(written) == 1


def test_only_a_thread_of_its_own_writes(path, monkeypatch):
    writers = set()
    write = StateFile.write
    monkeypatch.setattr(
        StateFile,
        "write",
        lambda *a: (writers.add(threading.current_thread().name), write(*a))[1],
    )
    with Kept(path, {"A": {}}) as driver:
        driver.setParam("A", 5)
        wait_until(is_saved(path, 5.0), "it is not saved")
        driver.setParam("A", 6)
    assert is_saved(path, 6.0)()
    assert writers == {"pcaspy state"}
    assert "pcaspy state" not in {thread.name for thread in threading.enumerate()}


def test_a_server_without_a_file_has_nothing_of_it(tmp_path):
    program = """
        import sys, threading
        from pcaspy import Driver
        from pcaspy.testing import IsolatedServer

        with IsolatedServer(threaded=False) as server:
            server.createPV("X:", {"A": {}})
            driver = Driver()
            assert not [name for name in sys.modules if name.startswith("pcaspy.state")]
            assert "pcaspy state" not in {t.name for t in threading.enumerate()}
    """
    subprocess.run([sys.executable, "-c", textwrap.dedent(program)], check=True)


def test_the_last_good_one_is_kept(path):
    for n in range(3):
        with Kept(path, {"A": {}}) as driver:
            driver.setParam("A", n)
    assert values_in(path) == {"X:A": 2.0}
    assert values_in(path.with_name("axis.state.bak")) == {"X:A": 1.0}
    others = {"axis.state", "axis.state.bak", "axis.state.lock"}
    assert {entry.name for entry in path.parent.iterdir()} == others


def test_without_hard_links(path, monkeypatch):
    def no_link(*_):
        raise OSError(errno.EPERM, "no hard links here")

    monkeypatch.setattr(file_module.os, "link", no_link)
    for n in range(3):
        with Kept(path, {"A": {}}) as driver:
            driver.setParam("A", n)
    assert values_in(path) == {"X:A": 2.0}
    assert values_in(path.with_name("axis.state.bak")) == {"X:A": 1.0}


def test_whoever_could_read_it_still_can(path, saved):
    saved({"A": {}}, A=1)
    path.chmod(0o640)
    if ROOT:
        os.chown(path, 12345, 54321)
    saved({"A": {}}, A=2)
    status = path.stat()
    assert stat.S_IMODE(status.st_mode) == 0o640
    assert values_in(path) == {"X:A": 2.0}
    if ROOT:
        assert (status.st_uid, status.st_gid) == (12345, 54321)


def test_a_symbolic_link_stays_one(path, tmp_path, saved):
    there = tmp_path / "elsewhere" / "real.state"
    there.parent.mkdir()
    path.symlink_to(there)
    saved({"A": {}}, A=1)
    assert path.is_symlink()
    assert values_in(there) == {"X:A": 1.0}
    link = there.with_name("real.state.tmp")
    victim = tmp_path / "victim"
    victim.write_text("not ours")
    link.symlink_to(victim)  # somebody wants us to write there
    saved({"A": {}}, A=2)
    assert victim.read_text() == "not ours"
    assert values_in(there) == {"X:A": 2.0}


def test_a_program_that_goes_elsewhere(path, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    with Kept("axis.state", {"A": {}}) as driver:
        driver.setParam("A", 5)
        os.chdir("/")
    assert values_in(path) == {"X:A": 5.0}


def test_a_pv_is_made_while_many_are_saved(path, monkeypatch):
    """It waits for some of them, not for all."""
    monkeypatch.setattr(keeper_module, "_PIECE", 2)
    made, saved_before = threading.Event(), []
    kept = Kept(path, {f"A{n}": {} for n in range(20)}, autosave={"*": 60})
    with kept as driver:
        maker = threading.Thread(
            target=lambda: (kept.server.createPV("X:", {"NEW": {}}), made.set())
        )

        def pause(_seconds):
            if not saved_before:
                saved_before.append(sum("A" in name for name in encoded))
                maker.start()
            assert made.wait(50)

        encoded = []
        encode = Cell.encode
        monkeypatch.setattr(
            Cell, "encode", lambda cell: (encoded.append(cell.name), encode(cell))[1]
        )
        monkeypatch.setattr(keeper_module, "time", SimpleNamespace(sleep=pause))
        for n in range(20):
            driver.setParam(f"A{n}", n)
        driver.pvDB.registry.keeper.save([60.0])
        monkeypatch.undo()
        assert saved_before == [2]
        maker.join()
    assert values_in(path) == {f"X:A{n}": float(n) for n in range(20)}


# ---- what keeps it from saving ----


def fails_and_recovers(path, caplog, fail, recover, *words):
    """One message however often it tries, and one when it works again."""
    with Kept(path, {"A": {}}) as driver:
        keeper = driver.pvDB.registry.keeper
        looks = []
        save = keeper.save
        keeper.save = lambda periods: (save(periods), looks.append(1))
        driver.setParam("A", 5)
        wait_until(is_saved(path, 5.0), "it is not saved")
        fail()
        driver.setParam("A", 6)
        wait_until(lambda: messages(caplog), "there is no message")
        seen = len(looks)
        wait_until(lambda: len(looks) > seen + 1, "it does not try")
        (told,) = messages(caplog)
        assert all(word in told for word in [str(path), "not saved", *words]), told
        assert driver.getParam("A") == 6
        recover()
        wait_until(is_saved(path, 6.0), "it is not saved")
        wait_until(lambda: len(messages(caplog)) == 2, "nobody says so")
        assert "are saved again" in messages(caplog)[1]


def test_a_disk_that_fails(path, caplog, monkeypatch):
    """At any of the calls; the file and its backup stay as they were."""
    for call in ["open", "write", "fsync", "replace"]:
        caplog.clear()
        for file in path.parent.iterdir():
            file.unlink()

        def failing(*_, _call=call):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

        with monkeypatch.context() as patched:

            def fail(call=call, patched=patched, failing=failing):
                patched.setattr(file_module.os, call, failing)

            fails_and_recovers(path, caplog, fail, patched.undo, "No space left")
        assert not path.with_name("axis.state.tmp").exists()


CALLS = ["open", "write", "fchmod", "fsync", "link", "unlink", "replace"]


class Killed(BaseException):
    """The process ends here: nothing that it would do afterwards happens."""


@pytest.mark.parametrize("links", [True, False])
def test_killed_at_each_call(tmp_path, monkeypatch, links):
    """What is there then is the old file or the new one, whole."""
    made = [sealed(f'{{"pv":"A","type":"float","value":{n}.0') for n in range(3)]
    seen = set()
    for last in range(1, 100):
        file = StateFile(tmp_path / f"{last}.state")
        file.write([made[0]])
        file.write([made[1]])
        done = []

        def counted(name, call, last=last, done=done):
            def run(*arguments, **options):
                done.append(name)
                if len(done) >= last:
                    raise Killed
                if name == "link" and not links:
                    raise OSError(errno.EPERM, "no hard links here")
                return call(*arguments, **options)

            return run

        with monkeypatch.context() as patched:
            for name in CALLS:
                patched.setattr(os, name, counted(name, getattr(os, name)))
            try:
                file.write([made[2]])
            except Killed:
                pass
            else:
                break
        contents = StateFile(file.path).load()
        seen.add(contents.entries["A"]["value"])
        assert contents.entries["A"]["value"] in (1.0, 2.0)
        if links:
            assert contents.notes == []
        # And it goes on from there, with what is left of the one that was killed.
        file.write([made[0]])
        assert StateFile(file.path).load().entries["A"]["value"] == 0.0
    assert last > 8
    assert seen == {1.0, 2.0}


@pytest.mark.skipif(sys.platform == "win32", reason="no limit of file sizes there")
def test_a_file_that_may_not_grow(path):
    """The system itself cuts off what is written."""
    program = f"""
        import logging, resource, signal
        from pcaspy import Driver
        from pcaspy.testing import IsolatedServer

        logging.basicConfig()
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        pvdb = {{"A": {{}}, "TEXT": {{"type": "text", "count": 5000}}}}
        server = IsolatedServer(threaded=False, state={str(path)!r}, autosave=True)
        with server:
            server.createPV("X:", pvdb)
            driver = Driver()
            driver.setParam("A", 5)
        with server:
            resource.setrlimit(resource.RLIMIT_FSIZE, (1000, resource.RLIM_INFINITY))
            driver.setParam("A", 6)
            driver.setParam("TEXT", "x" * 4000)
        resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY,) * 2)
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(program)],
        capture_output=True,
        text=True,
        check=True,
    )
    assert "File too large" in done.stderr
    assert values_in(path) == {"X:A": 5.0}
    assert not path.with_name("axis.state.tmp").exists()


SMALL = """
set -e
mount -t tmpfs -o size=64k none {folder}
cd {folder}
{python} {program} {folder} || exit 1
"""


@pytest.mark.skipif(
    not (ROOT and sys.platform == "linux"), reason="mounting needs Linux and root"
)
def test_a_full_disk(tmp_path):
    """A file system of 64 KiB, in a mount namespace of its own."""
    folder = tmp_path / "small"
    folder.mkdir()
    program = tmp_path / "program.py"
    program.write_text(
        textwrap.dedent(
            """
            import logging, os, sys, time
            from pathlib import Path
            sys.path[:0] = os.environ["HELPERS"].split(":")
            from state_support import Kept, is_saved, messages, values_in, wait_until

            told = []
            class Told(logging.Handler):
                def emit(self, record):
                    told.append(record.getMessage())
            logging.getLogger("pcaspy.state").addHandler(Told())

            folder = Path(sys.argv[1])
            path = folder / "axis.state"
            with Kept(path, {"A": {}}) as driver:
                driver.setParam("A", 5)
                wait_until(path.exists, "it is not saved")
                with open(folder / "filling", "wb", buffering=0) as filling:
                    try:
                        while True:
                            filling.write(b"x" * 1024)
                    except OSError:
                        pass
                driver.setParam("A", 6)
                wait_until(lambda: told, "there is no message")
                assert "No space left" in told[0], told
                assert values_in(path) == {"X:A": 5.0}
                os.unlink(folder / "filling")
                wait_until(lambda: values_in(path) == {"X:A": 6.0}, "it is not saved")
            assert len(told) == 2 and "saved again" in told[1], told
            print("all is well")
            """
        )
    )
    script = SMALL.format(folder=folder, python=sys.executable, program=program)
    helpers = [os.path.dirname(__file__), *filter(None, sys.path)]
    done = subprocess.run(
        ["unshare", "--mount", "sh", "-c", script],
        capture_output=True,
        text=True,
        env={**os.environ, "HELPERS": ":".join(helpers)},
    )
    assert done.stdout == "all is well\n", done.stderr


def test_a_folder_that_is_gone_for_a_while(tmp_path, caplog):
    folder = tmp_path / "mounted"
    folder.mkdir()
    away = tmp_path / "away"
    path = folder / "axis.state"
    fails_and_recovers(
        path,
        caplog,
        lambda: folder.rename(away),
        lambda: away.rename(folder),
        "No such file",
    )


def test_a_folder_that_does_not_exist(tmp_path, caplog):
    path = tmp_path / "none" / "axis.state"
    with Kept(path, {"A": {}}) as driver:
        driver.setParam("A", 5)
        (told,) = messages(caplog)
        assert "not saved" in told
        assert "No such file" in told
        path.parent.mkdir()
        wait_until(is_saved(path, 5.0), "it is not saved")


def unprivileged(path, program):
    """Runs a program as a user without rights; what it logs."""
    code = f"""
        import logging, os, sys
        logging.basicConfig()
        sys.path.insert(0, {os.path.dirname(__file__)!r})
        import pcaspy.state.keeper
        from state_support import Kept, is_saved, messages, values_in, wait_until
        with Kept(False, {{"A": {{}}}}):
            pass  # has imported all that a user without rights may not read
        os.setgroups([]); os.setgid(65534); os.setuid(65534)
        path = {str(path)!r}
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code) + textwrap.dedent(program)],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return done.stderr


@pytest.fixture
def shared():
    """A state file with a value, in a folder that other users reach."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "axis.state"
        with Kept(path, {"A": {}}) as driver:
            driver.setParam("A", 5)
        yield path


ONE_CHANGE = """
with Kept(path, {"A": {}}) as driver:
    print(driver.getParam("A"), file=sys.stderr)
    driver.setParam("A", 6)
"""


@pytest.mark.skipif(not ROOT, reason="becoming another user needs root")
def test_a_folder_that_is_read_only(shared):
    shared.parent.chmod(0o755)
    shared.chmod(0o666)
    told = unprivileged(shared, ONE_CHANGE)
    assert told.startswith("5.0\n") or "\n5.0\n" in told
    assert told.count("not saved") == 1
    assert "Permission denied" in told
    assert values_in(shared) == {"X:A": 5.0}


@pytest.mark.skipif(not ROOT, reason="becoming another user needs root")
@pytest.mark.parametrize(
    ("mode", "why"), [(0o600, "cannot be read"), (0o644, "not wr")]
)
def test_a_file_of_another_user(shared, mode, why):
    shared.parent.chmod(0o777)
    shared.chmod(mode)
    told = unprivileged(shared, ONE_CHANGE)
    assert told.count("not saved") == 1, told
    assert why in told, told
    assert values_in(shared) == {"X:A": 5.0}


@pytest.mark.parametrize("kind", ["folder", "pipe", "other"])
def test_something_else_has_the_name(path, caplog, kind):
    if kind == "folder":
        path.mkdir()
    elif kind == "pipe":
        os.mkfifo(path)
    else:
        path.write_text("prefix: 'X:'\npvdb: {A: {}}\n" * 1000)
    for _ in range(2):
        caplog.clear()
        with Kept(path, {"A": {}}) as driver:
            driver.setParam("A", 5)
            (told,) = messages(caplog)
            expected = "no state file" if kind == "other" else "no regular file"
            assert "not saved" in told
            assert expected in told
    assert {p.name for p in path.parent.iterdir()} == {path.name, "axis.state.lock"}
    if kind == "other":
        assert path.read_text().startswith("prefix")


def test_it_becomes_usable_while_the_server_runs(path, caplog):
    path.mkdir()
    with Kept(path, {"A": {}}) as driver:
        driver.setParam("A", 5)
        path.rmdir()
        wait_until(is_saved(path, 5.0), "it is not saved")
    assert len(messages(caplog)) == 2


# ---- the end ----


ENDS = {
    "close": "server.close()",
    "interpreter": "server.start()",
    "exit": "sys.exit(0)",
    "error": "raise RuntimeError('a fault')",
    "thread": "threading.Thread(target=server.close).start()",
    "deleted": "del server, driver; gc.collect()",
}


@pytest.mark.parametrize("end", ENDS)
def test_it_saves_at_the_end(path, end):
    program = f"""
        import gc, sys, threading
        from pcaspy import Driver
        from pcaspy.testing import IsolatedServer

        server = IsolatedServer(threaded=False, state={str(path)!r}, autosave=True)
        server.createPV("X:", {{"A": {{}}}})
        driver = Driver()
        server.process(0.001)
        driver.setParam("A", 5)
        {ENDS[end]}
    """
    subprocess.run(
        [sys.executable, "-c", textwrap.dedent(program)], capture_output=True
    )
    assert is_saved(path, 5.0)()


def test_a_server_that_cannot_start_saves_all_the_same(path):
    with IsolatedServer(threaded=False) as first:
        second = IsolatedServer(state=path, autosave=True, tcp_port=0)
        second.createPV("X:", {"A": {}})
        second._pcaspy.companions.prepare()  # as far as a start that fails gets
        Driver(second).setParam("A", 5)
        second.close()
        assert first.tcp_port
    assert is_saved(path, 5.0)()


def test_a_value_that_cannot_be_saved(path, caplog, monkeypatch):
    """A fault of ours in one PV is no fault of the others."""
    from pcaspy.state import cells

    members = cells.members
    monkeypatch.setattr(
        cells, "members", lambda v, *a: 1 / 0 if v == 13 else members(v, *a)
    )
    with Kept(path, {"A": {}, "B": {}}) as driver:
        driver.setParam("A", 13)
        driver.setParam("B", 5)
    assert values_in(path) == {"X:B": 5.0}
    assert "PV X:A: its value cannot be saved" in caplog.text


def test_readable_and_dated(path, saved):
    saved({"A": {"type": "enum", "enums": ["off", "on"]}}, A=1)
    first, line, last = path.read_text().splitlines()
    stamp = r"20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z"
    check = r'"check":"[0-9a-f]{8}"}'
    assert re.fullmatch(
        rf'{{"pcaspy":"state","version":1,"saved":"{stamp}",{check}', first
    )
    assert re.fullmatch(
        r'{"pv":"X:A","type":"enum","value":"on","index":1,"labels":\["off","on"\],'
        rf'"time":"{stamp}",{check}',
        line,
    )
    assert re.fullmatch(rf'{{"end":1,{check}', last)
