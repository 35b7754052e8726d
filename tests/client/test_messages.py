"""What is said when something goes wrong: which PV, what, where, for how long."""

import asyncio
import contextlib
import copy
import logging
import os
import pickle
import subprocess
import sys
import warnings
from pathlib import Path

import numpy
import pytest
from client_support import MAIN_PORT, SECOND_PORT, THIRD_PORT, until
from epicscorelibs.ca import cadef, dbr

import aioca
from aioca import (
    CANothing,
    _catools,
    _errors,
    _search,
    caget,
    camonitor,
    caput,
    connect,
)

HERE = Path(__file__).parent
DATABASE = """
record(longout, "C:R") { field(VAL, "1") field(PINI, "YES") }
record(waveform, "C:W") { field(FTVL, "DOUBLE") field(NELM, "5") }
"""
SEARCHED = f"127.0.0.1:{MAIN_PORT}, 127.0.0.1:{SECOND_PORT}, 127.0.0.1:{THIRD_PORT}"
EXPIRED = "User specified timeout on IO operation expired"


async def failure(awaitable):
    """The exception of a call."""
    try:
        value = await awaitable
    except Exception as error:
        return error
    raise AssertionError(f"it is {value!r}")


# ---- out of time -------------------------------------------------------------------


async def test_not_found():
    error = await failure(caget("C:NONE", timeout=0.25))
    assert (error.name, error.errorcode, error.ok) == ("C:NONE", 80, False)
    reason = f"no server answered within 0.25 s; searched {SEARCHED}"
    assert error.reason == reason
    assert str(error) == f"C:NONE: {EXPIRED}: {reason}"
    assert repr(error) == f"CANothing('C:NONE', ECA_TIMEOUT: {reason})"
    assert isinstance(error.__cause__, asyncio.TimeoutError)
    for call in (
        connect("C:NONE", timeout=0.25, throw=False),
        caput("C:NONE", 1, timeout=0.25, throw=False),
        aioca.cainfo("C:NONE", timeout=0.25, throw=False),
    ):
        assert (await call).reason == reason
    [nothing] = await caget(["C:NONE"], timeout=0.25, throw=False)
    assert nothing.reason == reason


async def test_a_subscription_that_is_not_found():
    got = []
    camonitor("C:NONE", got.append, connect_timeout=0.25)
    await until(lambda: got)
    assert got[0].reason == f"no server answered within 0.25 s; searched {SEARCHED}"


async def test_connected_but_no_answer(ioc):
    ioc.start(DATABASE)
    await connect(["C:R", "C:W"])
    ioc.pause()
    host = f"connected to {aioca.get_channel('C:R').host}"
    error = await failure(caget("C:R", timeout=0.2))
    assert error.reason == f"{host}, which did not answer within 0.2 s"
    error = await failure(caput("C:R", 1, wait=True, timeout=0.2))
    assert error.reason == f"{host}, which did not answer within 0.2 s"
    error = await failure(caget(["C:R", "C:NONE", "C:W"], timeout=0.2))
    assert error.pvs == ("C:R", "C:NONE", "C:W")
    assert str(error) == (
        f"Multiple PVs: {EXPIRED}: no server answered for C:NONE within 0.2 s; "
        f"searched {SEARCHED}; connected, but no answer within 0.2 s: C:R, C:W"
    )


async def test_the_connection_was_lost(ioc):
    ioc.start(DATABASE)
    await connect("C:R")
    ioc.kill()
    await until(lambda: not aioca.get_channel("C:R").connected())
    error = await failure(caget("C:R", timeout=0.2))
    assert error.reason == (
        "was connected; the connection was lost and did not come back within 0.2 s; "
        f"searched {SEARCHED}"
    )
    error = await failure(caget(["C:R"], timeout=0.2))
    assert "the connection to C:R was lost" in str(error)


async def test_a_list_that_a_program_checks_names_what_is_late(target, p, monkeypatch):
    own = _catools.caput

    async def checked(pv, value, **options):
        return await own(pv, value, **options)

    monkeypatch.setattr(_catools, "caput", checked)
    error = await failure(
        _catools.caput_array([p + "DOUBLE", "C:NONE"], 1, timeout=0.3)
    )
    assert error.pvs == ("C:NONE",)


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({}, "the networks of this host by broadcast to port 5064"),
        (
            {"LIST": "10.1.2.3 10.1.2.4:99", "SERVER_PORT": "6000"},
            "10.1.2.3:6000, 10.1.2.4:99 and the networks of this host by broadcast to "
            "port 6000",
        ),
        ({"LIST": "a", "AUTO": "NO", "SERVER_PORT": "80"}, "a:5064"),
        ({"AUTO": "NO", "NAMES": "b c:1"}, "the name servers b:5064, c:1"),
        (
            {"AUTO": "no"},
            "nowhere: EPICS_CA_ADDR_LIST is empty, EPICS_CA_AUTO_ADDR_LIST is NO",
        ),
    ],
)
def test_where_libca_searches(settings, expected, monkeypatch):
    long = {
        "LIST": "EPICS_CA_ADDR_LIST",
        "AUTO": "EPICS_CA_AUTO_ADDR_LIST",
        "NAMES": "EPICS_CA_NAME_SERVERS",
        "SERVER_PORT": "EPICS_CA_SERVER_PORT",
    }
    for short, name in long.items():
        monkeypatch.delenv(name, raising=False)
        if short in settings:
            monkeypatch.setenv(name, settings[short])
    monkeypatch.setattr(_search, "_noted", {})
    assert _search.where_searched() == expected
    _search.note_settings()
    monkeypatch.setenv("EPICS_CA_ADDR_LIST", "later")
    assert _search.where_searched() == (
        f"{expected} (EPICS_CA_ADDR_LIST changed too late: libca reads it once)"
    )


# ---- refused -----------------------------------------------------------------------


NO_ACCESS = """
import asyncio
from puppet import Puppet
server = Puppet()
server.use()
import aioca

async def main():
    channel = aioca.get_channel("P:A")
    await aioca.connect("P:A")
    server.grant(0)
    await aioca.watch_channel("P:A").wait_for(readable=False, writable=False)
    for call in (
        aioca.caget("P:A"), aioca.caput("P:A", 1), aioca.caput("P:A", 1, wait=True),
        aioca.caget(["P:A"]), aioca.caput(["P:A"], 1),
    ):
        try:
            await call
        except aioca.CANothing as error:
            print(error.errorcode, error.status, error.function.__name__, error)
    print(await aioca.caget("P:A", throw=False))

asyncio.run(main())
"""


def test_access_denied_names_the_pv():
    path = os.pathsep.join([str(HERE), str(HERE.parent)])
    done = subprocess.run(
        [sys.executable, "-c", NO_ACCESS],
        env={**os.environ, "PYTHONPATH": path},
        capture_output=True,
        text=True,
        timeout=50,
        check=False,
    )
    assert done.stderr == ""
    read = "368 368 ca_array_get_callback P:A: Read access denied"
    write = "376 376 ca_array_put P:A: Write access denied"
    assert done.stdout.splitlines() == [
        read,
        write,
        write.replace("put", "put_callback"),
        read,
        write,
        "P:A: Read access denied",
    ]


async def test_what_is_refused_is_of_both_classes(p):
    for kind in (CANothing, cadef.CAException):
        with pytest.raises(kind, match=f"^{p}DOUBLE.NAME: Write access denied$"):
            await caput(p + "DOUBLE.NAME", "x")
    error = await failure(caput(p + "DOUBLE.NAME", "x"))
    # Released programs may ask for its truth to see whether there is an exception.
    assert error
    assert not error.ok
    assert repr(error) == (
        f"CARefused('{p}DOUBLE.NAME', ECA_NOWTACCESS: Write access denied)"
    )
    for twin in (pickle.loads(pickle.dumps(error)), copy.copy(error)):
        assert type(twin) is type(error)
        assert vars(twin) == vars(error)
        assert twin.function is cadef.ca_array_put
    lost = pickle.loads(pickle.dumps(_errors.CADisconnected("X", 192)))
    assert isinstance(lost, cadef.Disconnected)
    assert lost
    assert str(lost) == "X: Virtual circuit disconnect"


# ---- bad input ---------------------------------------------------------------------


async def test_bad_input_names_the_pv_and_what_is_allowed(ioc):
    ioc.start(DATABASE)
    for call, kind, text in [
        (caput("C:R", 2**40), OverflowError, "C:R: .*-2147483648 to 2147483647"),
        (caput("C:R", None), ValueError, "C:R: None cannot be put"),
        (caput("C:R", numpy.zeros((2, 2))), AssertionError, "C:R: Can't put multi"),
        (
            caput("C:W", numpy.zeros(6)),
            cadef.CAException,
            "C:W: .*: 6 elements asked for, the PV has 5",
        ),
        (
            caput("C:R", "x" * 50),
            cadef.CAException,
            "C:R: Invalid string: a text of DBR_STRING has at most 39 bytes",
        ),
        (
            caget("C:R", datatype=complex),
            dbr.InvalidDatatype,
            "C:R: Datatype .* not supported .* None, a DBR_ code",
        ),
        (
            caget("C:R", format=9),
            dbr.InvalidDatatype,
            "C:R: Format not recognised: 9 is not FORMAT_RAW, FORMAT_TIME or",
        ),
        (
            caget("C:R", timeout="5"),
            TypeError,
            r"C:R: timeout must be seconds, \(deadline,\) or None, not '5'",
        ),
        (
            caget(["C:R", "C:W"], timeout=[5]),
            TypeError,
            r"C:R, C:W: timeout must be seconds, \(deadline,\) or None, not \[5\]",
        ),
        (
            caget("C:R", count="5"),
            TypeError,
            "C:R: count must be an integer, not '5'",
        ),
        (caget(["C:R"], count=2.5), TypeError, "C:R: count must be an integer"),
        (
            caget("C:R", "C:W"),
            dbr.InvalidDatatype,
            'C:R: Datatype "C:W" not supported .* several PVs go into a list',
        ),
        (
            caput(["C:R", "C:W"], [1]),
            AssertionError,
            "must match in length: there are 2 PVs, 1 values",
        ),
        (caget(""), CANothing, "libca takes no such name"),
        (caget(5), TypeError, "must be a str, not 5"),
    ]:
        with pytest.raises(kind, match=text):
            await call


@pytest.mark.parametrize(
    ("arguments", "kind", "text"),
    [
        ({"callback": "print"}, TypeError, "C:R: callback must be callable or None"),
        ({"count": "2"}, TypeError, "C:R: count must be an integer, not '2'"),
        ({"events": "value"}, TypeError, "C:R: events must be an integer"),
        ({"format": 9}, dbr.InvalidDatatype, "C:R: Format not recognised: 9"),
        ({"connect_timeout": "5"}, TypeError, "C:R: connect_timeout must be seconds"),
        ({"pv": 5}, TypeError, "a name or an iterable of names, not 5"),
        ({"pv": [5]}, TypeError, "must be a str, not 5"),
    ],
    ids=str,
)
async def test_bad_arguments_of_a_subscription(arguments, kind, text):
    with pytest.raises(kind, match=text):
        camonitor(**{"pv": "C:R", **arguments})
    assert aioca.get_channel_infos() == []


async def test_a_name_with_a_space():
    error = await failure(caget("C:NONE ", timeout=0.1))
    assert error.reason.endswith("; the name begins or ends with a space: 'C:NONE '")


async def test_a_refused_name_among_others(ioc):
    ioc.start(DATABASE)
    first, second, third = await caget(["C:R", "", "C:W"], throw=False)
    assert (first, first.name, len(third)) == (1, "C:R", third.size)
    assert (type(second), second.ok, bool(second)) == (CANothing, False, False)
    assert second.reason == "libca takes no such name: it is empty or too long"
    with pytest.raises(aioca.CARefused):
        await caget(["C:R", ""])


# ---- one line ----------------------------------------------------------------------


async def test_a_failed_put_is_logged_once(target, p, caplog):
    with caplog.at_level(logging.WARNING):
        await caput(p + "REFUSES", 5)
        await until(lambda: caplog.records)
        await caget(p + "DOUBLE")
    [record] = caplog.records
    assert (record.name, record.exc_info) == ("aioca", None)
    assert record.getMessage().startswith(p + "REFUSES: Channel write request failed")
    assert "\n" not in record.getMessage()


# ---- no loop -----------------------------------------------------------------------


def test_without_a_loop():
    for call in (
        lambda: camonitor("X", print),
        lambda: aioca.get_channel("X"),
        aioca.get_channel_infos,
        lambda: caget("X").send(None),
    ):
        with pytest.raises(RuntimeError, match=r"no running event loop: .*asyncio.run"):
            call()


def test_a_call_that_nobody_awaits_is_told_by_its_name():
    for function, arguments in (
        (caget, ("X",)),
        (caput, ("X", 1)),
        (connect, (["X"],)),
        (aioca.cainfo, ("X",)),
    ):
        with pytest.warns(RuntimeWarning, match=rf"'{function.__name__}' was never"):
            function(*arguments)


async def test_run_inside_a_loop_says_what_to_do():
    async def program():
        raise AssertionError("it runs")

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        with pytest.raises(RuntimeError, match=r"running event loop: write `await`"):
            aioca.run(program())
    # The loop is as it was.
    await asyncio.sleep(0)


def test_run_makes_a_loop_where_there_is_none():
    async def program():
        return 5

    asyncio.set_event_loop(None)
    with pytest.warns(DeprecationWarning, match="asyncio.run"):
        assert aioca.run(program()) == 5


# ---- what things say they are ------------------------------------------------------


async def test_reprs(ioc):
    ioc.start(DATABASE)
    done = await caput("C:R", 1, wait=True)
    assert repr(done) == "CANothing('C:R', ECA_NORMAL: ok)"
    assert (bool(done), done.ok, done.errorcode) == (True, True, 1)
    assert repr(CANothing("X", 160)) == (
        "CANothing('X', ECA_PUTFAIL: Channel write request failed)"
    )
    assert repr(CANothing("X", 192)).startswith("CANothing('X', ECA_DISCONN: ")
    assert "ECA code 12345" in repr(CANothing("X", 12345))
    info = await aioca.cainfo("C:R")
    assert repr(info) == (
        f"<CAInfo 'C:R' connected to {info.host}, 1 long, access: read and write>"
    )
    unknown = await aioca.cainfo("C:NONE", wait=False)
    assert repr(unknown) == "<CAInfo 'C:NONE' never connected>"
    channel = aioca.get_channel("C:R")
    assert repr(channel) == f"<Channel C:R connected to {info.host}>"
    assert repr(aioca.get_channel("C:NONE")) == "<Channel C:NONE not connected>"
    assert repr(aioca.watch_channel("C:R")) == f"<watch_channel {channel!r}>"
    with contextlib.closing(camonitor("C:R", print)) as monitor:
        assert repr(monitor) == "<Subscription C:R OPENING>"


def test_every_code_has_its_name():
    header = Path(cadef.__file__).parents[1] / "include" / "caerr.h"
    severity = {"WARNING": 0, "SUCCESS": 1, "ERROR": 2, "INFO": 3, "FATAL": 6}
    seen = 0
    for line in header.read_text().splitlines():
        words = line.replace("(", " ").replace(")", " ").replace(",", " ").split()
        if words[:1] == ["#define"] and "DEFMSG" in words[2:3]:
            kind = severity[words[3].removeprefix("CA_K_")]
            assert _errors.code_name(int(words[4]) << 3 | kind) == words[1]
            seen += 1
    assert seen == 61
