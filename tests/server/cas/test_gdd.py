"""gdd, time stamps and constants of the low-level layer."""

from __future__ import annotations

import weakref

import numpy as np
import pytest

from pcaspy import PVInfo, SimplePV, cas
from pcaspy.cas import gdd

# What is put into an untyped gdd: its type then, its dimension, what get() gives.
UNTYPED = [
    (1, 9, 0, 1.0),
    (1.5, 9, 0, 1.5),
    (True, 9, 0, 1.0),
    (np.float32(0.5), 9, 0, 0.5),
    (np.array(3), 9, 0, 3.0),
    ("abc", 11, 0, "abc"),
    ("x" * 300, 11, 0, "x" * 300),
    ([1, 2, 3], 9, 1, [1.0, 2.0, 3.0]),
    ((1, 2), 9, 1, [1.0, 2.0]),
    (np.arange(3, dtype="i2"), 3, 1, [0, 1, 2]),
    (np.array([65535], "u2"), 4, 1, [65535]),
    (np.arange(6)[::2], 9, 1, [0.0, 2.0, 4.0]),
    (["a", "b"], 11, 1, ["a", "b"]),
    (b"ab", 9, 1, [97.0, 98.0]),
    (range(2), 9, 1, [0.0, 1.0]),
]
TYPED = [
    (3, 2.7, 2),
    (3, 70000, 4464),
    (3, "5", 5),
    (4, -1, 65535),
    (5, 2, 2),
    (6, 3e9, 2147483647),
    (7, -3e9, 1294967296),
    (6, "0x10", 16),
    (3, "12abc", 12),
    (6, "sc", 0),
    (5, "3", 0),
    (6, 70000, 70000),
    (6, float("nan"), 0),
    (8, 0.1, float(np.float32(0.1))),
    (9, "2.5", 2.5),
    (6, [1, 2.9], [1.0, 2.9]),
    (6, np.array([1, 2], "f4"), [1.0, 2.0]),
    (2, "text", "text"),
    (2, np.array([104, 105, 0, 0], "u1"), "hi"),
    (6, None, 0),
    (6, {1: 2}, 0),
    (11, 3, "3.0000"),
    (11, 2.7, "2.7000"),
    (10, "abc", "abc"),
    (11, [1, 2], ["1", "2"]),
]


@pytest.mark.parametrize(("value", "prim", "dimension", "got"), UNTYPED)
def test_the_first_value_decides_about_the_type(value, prim, dimension, got):
    g = gdd()
    g.put(value)
    assert (g.primitiveType(), g.dimension(), g.get()) == (prim, dimension, got)
    assert g.isScalar() == (dimension == 0)
    assert g.getDataSizeElements() == (1 if dimension == 0 else len(got))
    if dimension:
        assert g.getBound(0) == [0, 0, len(got)]


@pytest.mark.parametrize(("prim", "value", "got"), TYPED)
def test_a_value_is_converted_to_the_type(prim, value, got):
    g = gdd()
    g.setPrimType(prim)
    g.put(value)
    assert g.get() == got


@pytest.mark.parametrize(
    "misuse",
    [
        lambda g: g.setPrimType(13),
        lambda g: g.setPrimType(-1),
        lambda g: g.setDimension(2),
        lambda g: g.setBound(0, 0, -1),
        lambda g: g.setBound(0, 0, 1 << 62),
        lambda g: g.put([1, object()]),
        lambda g: g.put([[1], [2, 3]]),
        lambda g: g.putNumericArray("text"),
        lambda g: g.setStatSevr(-1, 0),
        lambda g: g.setStatSevr(0, 1 << 20),
        lambda g: g.setTimeStamp(3.5),
    ],
)
def test_misuse_is_an_error_and_leaves_the_value(misuse):
    g = gdd()
    g.put(4)
    with pytest.raises((TypeError, ValueError, OverflowError)):
        misuse(g)
    assert g.get() == 4.0


def test_getting_what_is_not_there():
    g = gdd()
    with pytest.raises(IndexError):
        g.put([])
    g.putNumericArray([])
    assert (g.getConvertNumeric(), g.get()) == (0.0, [])
    assert g.getBound(1)[0] == -5
    assert g.setBound(1, 0, 5) == -5
    g.putNumericArray([1, 2])
    assert g.getNumericArray(3) == [1.0, 2.0, 0.0]
    assert g.getCharArray(1) == [1]
    assert g.getStringArray(3) == ["1.0000", "2.0000", ""]
    with pytest.raises(ValueError, match="elements"):
        g.getNumericArray(-1)
    g.clear()
    g.putString("text")
    assert g.getConvertNumeric() == 0.0


def test_text_then_bytes_then_text():
    g = gdd()
    for _ in range(100):
        g.putString("x" * 1000)
        g.putCharArray(b"y" * 1000)
        assert g.get() == "y" * 1000
        g.putStringArray(["a"] * 10)


def test_every_way_to_put_and_get_arrays():
    g = gdd()
    for put, prim in (
        (g.putDoubleDataBuffer, 9),
        (g.putFloatDataBuffer, 8),
        (g.putIntDataBuffer, 6),
        (g.putShortDataBuffer, 3),
    ):
        put([1, 2])
        assert (g.primitiveType(), g.getNumericArray()) == (prim, [1, 2])
    g.putCharDataBuffer("ab")
    assert (g.primitiveType(), g.getCharArray()) == (1, "ab")
    g.putFStringArray(["a", "b"])
    assert (g.primitiveType(), g.getStringArray()) == (10, ["a", "b"])


def test_bounds_keep_what_fits():
    g = gdd()
    g.put([1, 2, 3])
    g.setBound(0, 0, 2)
    assert g.get() == [1.0, 2.0]
    g.setBound(0, 0, 4)
    assert g.get() == [1.0, 2.0, 0.0, 0.0]
    g.setDimension(0)
    assert g.get() == 1.0


def test_alarm_time_and_the_rest():
    g = gdd.createDD(5)
    assert g.applicationType() == 5
    g.setStatSevr(3, 2)
    assert (g.getStat(), g.getSevr(), g.getStatSevr()) == (3, 2, [3, 2])
    g.setTimeStamp(cas.epicsTimeStamp(10, 20))
    assert str(g.getTimeStamp()) == "10.20"
    into = cas.epicsTimeStamp(1, 1)
    assert g.getTimeStamp(into) is None
    assert str(into) == "10.20"
    into.nsec = 21
    assert str(g.getTimeStamp()) == "10.20"
    g.setStatus(2 << 16 | 3)
    g.reference()
    g.unreference()
    copy = gdd()
    g.put([1, 2])
    copy.put(g)
    g.put([3])
    assert copy.get() == [1.0, 2.0]
    assert (copy.getStatSevr(), str(copy.getTimeStamp())) == ([3, 2], "10.20")
    g.clear()
    assert (g.applicationType(), g.primitiveType(), g.get()) == (0, 0, 0)


def test_constants():
    assert cas.S_casApp_postponeAsyncIO == 34340874
    assert cas.S_cas_posponeWhenNonePending == 34275362
    assert len([n for n in vars(cas) if n.startswith("S_cas_")]) == 33
    assert len([n for n in vars(cas) if n.startswith("aitEnum")]) == 13
    assert cas.caNetAddr("1.2.3.4:5").stringConvert(7) == "1.2.3.4"
    client = cas.casClientInfo("user", "host", None)
    assert (client.user, client.host, client.ctx) == ("user", "host", None)


def test_a_server_can_be_asked_without_clients(capsys):
    server = cas.caServer()
    assert server.registerEvent("alarm") == cas.DBE_ALARM
    with pytest.raises(ValueError, match="no event"):
        server.registerEvent("x")
    with pytest.raises(NotImplementedError):
        server.createTimer()
    assert server.pvExistTest(None, None, "x") == cas.pverDoesNotExistHere
    assert server.pvAttach(None, "x") == cas.S_casApp_pvNotFound
    server.setDebugLevel(3)
    assert server.getDebugLevel() == 3
    assert (
        server.subscriptionEventsPosted() == server.subscriptionEventsProcessed() == 0
    )
    server.generateBeaconAnomaly()
    server.show(1)
    assert "channels: 0" in capsys.readouterr().out
    pv = cas.casPV()
    pv.endAsyncWrite(0)
    assert not pv.hasAsyncWrite()
    pv.postEvent(cas.DBE_VALUE, gdd())
    with pytest.raises(TypeError):
        pv.postEvent(cas.DBE_VALUE, 5)
    with pytest.raises(TypeError):
        pv.startAsyncWrite(None)


def test_time_stamps_can_be_changed_and_derived_from():
    stamp = cas.epicsTimeStamp(1, 2)
    stamp.secPastEpoch = 5
    assert repr(stamp) == "epicsTimeStamp(5,2)"
    for wrong in ((1,), (-1, 0), (1 << 32, 0), ("a", 1), (1, 2, 3)):
        with pytest.raises(TypeError):
            cas.epicsTimeStamp(*wrong)
    with pytest.raises((TypeError, OverflowError)):
        stamp.nsec = -1
    assert repr(cas.epicsTimeStamp.fromPosixTimeStamp(1.0)) == "epicsTimeStamp(0,0)"

    class Own(cas.epicsTimeStamp):
        def __repr__(self):
            return f"{self.secPastEpoch} s"

    own = Own(3, 4)
    own.note = "mine"
    g = gdd()
    g.setTimeStamp(own)
    assert (repr(own), str(g.getTimeStamp())) == ("3 s", "3.4")


def test_objects_take_attributes():
    made = [cas.casPV(), cas.caNetAddr(), cas.casClientInfo(), gdd()]
    for thing in (*made, SimplePV("N", PVInfo({})), cas.epicsTimeStamp()):
        thing.note = "mine"
        assert weakref.ref(thing)() is thing
