"""Defects of the released client that this one does not have."""

import asyncio
import logging
import math
import subprocess
import sys
import time

import numpy
import pytest
from client_support import THIRD_PORT, Ioc, Pulse, until
from epicscorelibs.ca import cadef, dbr

import aioca
from aioca import CANothing, _catools, caget, camonitor, caput, connect
from aioca.native import _loop

DATABASE = """
record(waveform, "C:W") { field(FTVL, "DOUBLE") field(NELM, "5") }
record(waveform, "C:ONE") { field(FTVL, "DOUBLE") field(NELM, "1") }
record(waveform, "C:TEXT") { field(FTVL, "CHAR") field(NELM, "300") }
record(waveform, "C:BIG") { field(FTVL, "DOUBLE") field(NELM, "1000000") }
record(waveform, "C:MID") { field(FTVL, "DOUBLE") field(NELM, "1000") }
record(longout, "C:LONG") { field(VAL, "5") field(PINI, "YES") }
record(ao, "C:AO") { field(VAL, "5") field(PINI, "YES") }
record(lsi, "C:LSI") { field(SIZV, "200") }
"""


@pytest.fixture(scope="module")
def running(tmp_path_factory):
    ioc = Ioc(tmp_path_factory.mktemp("ioc"), THIRD_PORT)
    ioc.start(DATABASE)
    yield ioc
    ioc.kill()


@pytest.fixture
def server(running):
    for line in ("C:AO 5", "C:LONG 5"):
        running.shell(f"dbpf {line}")
    return running


@pytest.mark.parametrize("form", [0, 1, 2])
async def test_a_monitor_is_told_that_an_array_became_empty(server, form):
    await caput("C:W", [1.0, 2.0], wait=True)
    got = []
    camonitor("C:W", got.append, format=form)
    await until(lambda: got)
    # An IOC empties a waveform by a put of no elements, which libca does not send.
    server.shell("dbpf C:W []")
    await until(lambda: len(got) >= 2 and got[-1].size == 0)
    assert got[-1].name == "C:W"
    assert hasattr(got[-1], "timestamp") == (form == 1)


async def test_an_empty_array_of_one_element_is_empty(server):
    value = await caget("C:ONE")
    assert isinstance(value, numpy.ndarray)
    assert value.shape == (0,)
    assert value.dtype == float
    await caput("C:ONE", 3.5, wait=True)
    assert await caget("C:ONE") == 3.5
    assert type(await caget("C:ONE")) is dbr.ca_float


async def test_an_empty_long_string_is_an_empty_text(server):
    for datatype in (dbr.DBR_CHAR_STR, dbr.DBR_CHAR_UNICODE):
        value = await caget("C:TEXT", datatype=datatype)
        assert value == ""
        assert type(value) is dbr.ca_str
    assert await caget("C:TEXT", datatype=dbr.DBR_CHAR_BYTES) == b""


@pytest.mark.parametrize("length", [0, 1, 39, 40, 150])
async def test_a_long_text_is_put_to_a_name_with_dollar(server, length):
    text = "x" * length
    await caput("C:LSI.VAL$", text, wait=True)
    assert await caget("C:LSI.VAL$") == text


async def test_no_time_is_enough_where_there_is_nothing_to_wait_for(server):
    await connect("C:AO")
    assert (await connect("C:AO", timeout=0)).ok
    assert (await caput("C:AO", 7, timeout=0)).ok
    assert (await state_now("C:AO")) == 2
    with pytest.raises(CANothing):
        await caget("C:AO", timeout=0)
    with pytest.raises(CANothing):
        await caput("C:AO", 8, wait=True, timeout=-1)
    assert await caget("C:AO") == 7
    assert (await connect(["C:AO"], timeout=0))[0].ok
    results = await connect(["C:AO", "C:MISSING"], timeout=0, throw=False)
    assert [bool(result) for result in results] == [True, False]


async def state_now(name):
    return (await aioca.cainfo(name, timeout=0)).state


async def test_a_list_of_puts_that_a_program_checks_ends_in_time(server, monkeypatch):
    own = _catools.caput

    async def checked(pv, value, **options):
        return await own(pv, value, **options)

    monkeypatch.setattr(_catools, "caput", checked)
    for timeout in (0.3, (time.time() + 0.3,)):
        with pytest.raises(CANothing):
            await asyncio.wait_for(
                _catools.caput_array(["C:AO", "C:MISSING"], 1, timeout=timeout), 60
            )


async def test_a_list_that_times_out_names_the_pvs(server):
    missing = [f"C:MISSING:{number}" for number in range(15)]
    with pytest.raises(CANothing) as caught:
        await caget(["C:AO", *missing], timeout=0.3)
    error = caught.value
    assert (error.name, error.errorcode) == ("Multiple PVs", 80)
    text = str(error)
    assert text.startswith(f"Multiple PVs: {cadef.ca_message(80)}")
    assert "C:MISSING:0, C:MISSING:1" in text
    assert "and 5 more within 0.3 s; searched 127.0.0.1:" in text
    assert "C:AO" not in text
    assert error.pvs == tuple(missing)


@pytest.mark.alone
@pytest.mark.parametrize("wait", [False, True])
async def test_a_stalled_server_does_not_stop_the_loop(server, wait):
    data = numpy.arange(1_000_000.0)
    await caput("C:BIG", data, wait=True, timeout=20)
    server.pause()
    async with Pulse() as pulse:
        started = time.monotonic()
        # More than the sockets and libca take without holding the caller up.
        results = await asyncio.gather(
            *(caput("C:BIG", data, wait=wait, timeout=0.5) for _ in range(4)),
            caget("C:BIG", timeout=0.5),
            return_exceptions=True,
        )
        took = time.monotonic() - started
    server.go_on()
    assert took < 1.5
    assert pulse.longest < 0.5
    assert isinstance(results[-1], CANothing)
    assert results[-1].errorcode == 80
    late = [result for result in results[:-1] if isinstance(result, CANothing)]
    assert late, "nothing was held up"
    # When the server goes on, everything works again.
    assert len(await caget("C:BIG", timeout=20)) == 1_000_000


async def test_many_puts_to_a_stalled_server_do_not_stop_the_loop(server):
    await connect("C:MID")
    data = numpy.arange(1000.0)
    server.pause()
    async with Pulse() as pulse:
        results = await asyncio.gather(
            *(caput("C:MID", data, timeout=0.5, throw=False) for _ in range(1500))
        )
    server.go_on()
    assert pulse.longest < 0.5
    assert results[0].ok
    assert not results[-1].ok
    # Nothing that timed out before it was sent is sent later.
    await caput("C:MID", [1.0, 2.0], wait=True, timeout=20)
    assert len(await caget("C:MID")) == 2


async def test_puts_without_wait_keep_their_order_beyond_the_safe_amount(server):
    await connect(["C:AO", "C:LONG"])
    for number in range(20_000):
        await caput("C:LONG", number)
    assert await caget("C:LONG", timeout=20) == 19_999


async def test_purge_ends_the_calls_that_wait(server):
    await connect("C:AO")
    server.pause()
    calls = [
        asyncio.ensure_future(call)
        for call in (
            caget("C:AO", timeout=None),
            caget(["C:AO", "C:AO"], timeout=None),
            caput("C:AO", 1, wait=True, timeout=None),
            caget("C:MISSING", timeout=None),
            caget(["C:AO", "C:MISSING"], timeout=None, throw=False),
        )
    ]
    await asyncio.sleep(0.1)
    aioca.purge_channel_caches()
    results = await asyncio.wait_for(asyncio.gather(*calls, return_exceptions=True), 5)
    assert [type(result) for result in results[:4]] == [CANothing] * 4
    assert [result.ok for result in results[4]] == [False, False]
    server.go_on()
    assert aioca.get_channel_infos() == []
    # Nothing of the requests is left, neither in Python nor in C++.
    del calls, results
    await until(lambda: _loop.live_objects() == 0, 5)
    assert not _loop.running_loop().requests


async def test_whole_numbers_that_do_not_fit(server):
    for value, datatype in [
        (2**31, int),
        (2**40, None),
        (-(2**31) - 1, None),
        (numpy.int64(2**33), int),
        (numpy.array([2**33]), None),
        ([1, 2**40], int),
        (1e12, None),
        (2**70, None),
    ]:
        with pytest.raises(OverflowError):
            await caput("C:LONG", value, datatype=datatype)
    assert await caget("C:LONG") == 5
    for value in (None, [None], [1, None]):
        with pytest.raises(ValueError, match="None"):
            await caput("C:AO", value)
    assert await caget("C:AO") == 5
    with pytest.raises(ValueError, match="NaN"):
        await caput("C:LONG", math.nan)


def test_import_needs_no_setuptools():
    program = (
        "import sys\n"
        "from aioca import caget\n"
        "import epicscorelibs.ca.dbr as dbr, epicscorelibs.ca.cadef as cadef\n"
        "assert 'setuptools' not in sys.modules\n"
        "assert 'epicscorelibs.path' not in sys.modules\n"
        "import epicscorelibs.path\n"
        "assert epicscorelibs.path.get_lib('ca') == cadef.libca._name\n"
        "from aioca import _epics\n"
        "assert _epics.dbr is dbr\n"
    )
    subprocess.run([sys.executable, "-W", "error", "-c", program], check=True)


async def test_a_monitor_follows_a_pv_that_changes_type_and_size(ioc):
    ioc.start('record(ao, "C:V") { field(VAL, "1.5") field(PINI, "YES") }')
    got = []
    monitor = camonitor("C:V", got.append, format=1)
    full = []
    camonitor("C:V", full.append, count=-1)
    await until(lambda: got and full)
    assert type(got[-1]) is dbr.ca_float
    ioc.kill()
    ioc.start('record(stringout, "C:V") { field(VAL, "abc") field(PINI, "YES") }')
    await until(lambda: type(got[-1]) is dbr.ca_str)
    assert (got[-1], got[-1].datatype) == ("abc", dbr.DBR_STRING)
    assert await caget("C:V") == "abc"
    ioc.kill()
    ioc.start(
        'record(waveform, "C:V") { field(FTVL, "LONG") field(NELM, "7")'
        ' field(INP, [1, 2]) field(PINI, "YES") }'
    )
    await until(lambda: isinstance(got[-1], numpy.ndarray))
    assert got[-1].tolist() == [1, 2]
    assert got[-1].element_count == 7
    await until(lambda: isinstance(full[-1], numpy.ndarray))
    assert full[-1].tolist() == [1, 2, 0, 0, 0, 0, 0]
    assert all(type(value) in (dbr.ca_float, dbr.ca_str, dbr.ca_array) for value in got)
    assert monitor.state == monitor.OPEN


async def test_a_failed_put_without_wait_is_reported(server, p, caplog):
    said = []
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(lambda _loop, context: said.append(context))
    with caplog.at_level(logging.ERROR, "aioca"):
        assert (await caput(p + "REFUSES", 5)).ok
        await until(lambda: said)
    assert isinstance(said[0]["exception"], CANothing)
    assert said[0]["exception"].name == p + "REFUSES"
    assert p + "REFUSES" in said[0]["message"]
    assert any(p + "REFUSES" in record.getMessage() for record in caplog.records)


async def test_the_name_can_be_given_by_keyword(server):
    assert await caget(pv="C:AO") == 5
    assert await caget(pv=["C:AO"]) == [5]
    assert (await caput(pv="C:AO", value=6, wait=True)).ok
    assert (await connect(pv="C:AO")).ok
    assert (await aioca.cainfo(pv="C:AO")).name == "C:AO"
