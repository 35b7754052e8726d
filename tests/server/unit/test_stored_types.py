"""Types of a pvdb that say their size, and text: what drivers set, get and are told."""

import logging
import math
import re
import struct

import numpy as np
import pytest

from pcaspy import Driver, PVInfo, SimplePV, SimpleServer, cas
from pcaspy.driver import manager
from support import dbr
from support.wire import ECA_NORMAL, ECA_PUTFAIL

RANGES = {
    "int8": (-(2**7), 2**7 - 1),
    "int16": (-(2**15), 2**15 - 1),
    "int32": (-(2**31), 2**31 - 1),
    "int64": (-(2**63), 2**63 - 1),
    "uint8": (0, 2**8 - 1),
    "uint16": (0, 2**16 - 1),
    "uint32": (0, 2**32 - 1),
    "uint64": (0, 2**64 - 1),
}
NUMBERS = [*RANGES, "float32", "float64"]
PVDB = {
    **{name: {"type": name} for name in [*NUMBERS, "bool"]},
    **{f"w:{name}": {"type": name, "count": 5} for name in [*NUMBERS, "bool"]},
    "text": {"type": "text"},
    "short": {"type": "text", "count": 20},
    "labels": {"type": "bool", "enums": ["Closed", "Open"], "states": [0, 2]},
    "strings": {"type": "string", "count": 5},
    "enums": {"type": "enum", "count": 5, "enums": ["a", "b", "c"]},
    "limited": {"type": "int64", "hihi": 100, "hilim": 50, "mdel": 2},
}


class Recorder(Driver):
    def __init__(self):
        super().__init__()
        self.written = []

    def write(self, reason, value):
        self.written.append(value)
        self.setParam(reason, value)
        self.updatePVs()


@pytest.fixture
def driver(server):
    server.createPV("S:", PVDB)
    return Recorder()


@pytest.fixture
def quiet(idle):
    idle.createPV("S:", PVDB)
    return Recorder()


@pytest.mark.parametrize("name", RANGES)
def test_the_whole_range_and_no_more(quiet, name):
    for number in RANGES[name]:
        quiet.setParam(name, number)
        assert quiet.getParam(name) == number
    low, high = RANGES[name]
    beyond = [low - 1, high + 1, 1e30, -math.inf, math.nan, str(high + 1)]
    numpy_type = np.uint64 if high == 2**63 - 1 else np.int64
    beyond += [] if name == "uint64" else [numpy_type(high + 1)]
    for number in beyond:
        told = re.escape(f"PV S:{name}: {number!r} ") + f".*allowed is {low} to {high}"
        with pytest.raises(ValueError, match=told):
            quiet.setParam(name, number)
        assert quiet.getParam(name) == high


@pytest.mark.parametrize("name", RANGES)
def test_arrays_beyond_the_range(quiet, name):
    low, high = RANGES[name]
    quiet.setParam(f"w:{name}", [low, high])
    arrays = [[1, high + 1], [1.0, 1e30], np.array([0.0, np.nan])]
    if high < 2**63 - 1:
        arrays += [np.array([5, high + 1]), np.array([[3, low - 1]])]
    for array in arrays:
        with pytest.raises(ValueError, match=rf"PV S:w:{name}: .*{low} to {high}"):
            quiet.setParam(f"w:{name}", array)
    with pytest.raises(ValueError, match=r"element 2, inf, is out of range"):
        quiet.setParam(f"w:{name}", np.array([1, 2, np.inf], "f4"))
    assert list(quiet.getParam(f"w:{name}")) == [low, high]


@pytest.mark.parametrize("name", [*NUMBERS, "bool"])
def test_a_number_is_shown_as_clients_see_it(quiet, name):
    kind = bool if name == "bool" else float if name.startswith("float") else int
    assert type(quiet.getParam(name)) is kind
    dtype = "?" if name == "bool" else name
    given = [1, 1.0, True, "1", b"1", np.dtype(dtype).type(1), np.float32(1)]
    for value in given:
        quiet.setParam(name, value)
        assert (type(quiet.getParam(name)), quiet.getParam(name)) == (kind, 1)


def test_what_is_behind_the_point_is_cut_off(quiet):
    for value, whole in [(2.75, 2), (-2.75, -2), (127.9, 127)]:
        quiet.setParam("int8", value)
        assert quiet.getParam("int8") == whole
    quiet.setParam("float32", 0.1)
    assert quiet.getParam("float32") == float(np.float32(0.1))


@pytest.mark.parametrize("name", [*NUMBERS, "bool"])
def test_arrays_of_numpy(quiet, name):
    dtype = np.dtype("?" if name == "bool" else name)
    array = np.array([1, 0, 1], dtype)
    if name in RANGES:
        array[:2] = RANGES[name]
    strided = np.repeat(array, 2)[::2]
    swapped = array.astype(dtype.newbyteorder())
    for given in (array, strided, swapped, list(array), tuple(array.tolist())):
        quiet.setParam(f"w:{name}", given)
        info = quiet.pvDB[f"w:{name}"].handle.info
        stored, _cut = info.fields.stored(quiet.getParam(f"w:{name}"))
        assert stored == array.tolist()
    quiet.setParam(f"w:{name}", array)
    assert quiet.getParam(f"w:{name}").dtype == dtype
    array[:] = 0  # its owner may go on with it
    assert quiet.getParam(f"w:{name}")[2] == 1


def test_arrays_of_objects_have_all_digits(quiet):
    for name, number in [("int64", 2**53 + 1), ("uint64", 2**64 - 1)]:
        for given in (np.array([number, 0], object), np.array([str(number), "0"])):
            quiet.setParam(f"w:{name}", given)
            info = quiet.pvDB[f"w:{name}"].handle.info
            assert info.fields.stored(given)[0] == [number, 0]


def test_bytes_are_the_elements_of_uint8(quiet):
    quiet.setParam("w:uint8", b"\x00\xff\x07")
    assert quiet.getParam("w:uint8") == [0, 255, 7]


def test_bool(quiet):
    for value, truth in [("True", True), ("False", False), ("1", True), (0.0, False)]:
        quiet.setParam("bool", value)
        assert quiet.getParam("bool") is truth
    for value in (2, -1, 0.5, "Perhaps", "2"):
        with pytest.raises(ValueError, match="PV S:bool: "):
            quiet.setParam("bool", value)
    quiet.setParam("labels", "Open")
    assert quiet.getParam("labels") is True
    assert (quiet.pvDB["labels"].alarm, quiet.pvDB["labels"].severity) == (7, 2)
    quiet.setParam("w:bool", np.array([3, 0, 1]) > 1)
    assert quiet.getParam("w:bool").tolist() == [True, False, False]


def test_text(quiet):
    assert quiet.getParam("text") == ""
    long = "Ärger " * 500
    for value in (long, "", "x" * 4096, b"bytes", np.str_("numpy")):
        quiet.setParam("text", value)
        expected = value.decode() if isinstance(value, bytes) else str(value)
        assert quiet.getParam("text") == expected
        assert type(quiet.getParam("text")) is str
    with pytest.raises(ValueError, match=r"PV S:short: .* 21 bytes, allowed are 20"):
        quiet.setParam("short", "Ä" * 10 + "x")
    with pytest.raises(TypeError, match=r"PV S:short: 5 .*5 is no text"):
        quiet.setParam("short", 5)
    assert quiet.getParam("short") == ""


def test_what_write_gets(driver, circuit):
    def put(name, type_, *values):
        channel = circuit.create(f"S:{name}")
        data = dbr.encode(type_, *values)
        assert circuit.put(channel, type_, data, len(values)).p1 == ECA_NORMAL
        (written,) = driver.written
        driver.written.clear()
        return written

    for name, type_, values, expected in [
        ("int8", dbr.LONG, [-5], -5),
        ("uint8", dbr.CHAR, [200], 200),
        ("int64", dbr.STRING, [b"9007199254740993"], 2**53 + 1),
        ("uint64", dbr.STRING, [b"18446744073709551615"], 2**64 - 1),
        ("uint32", dbr.DOUBLE, [4e9], 4_000_000_000),
        ("float32", dbr.DOUBLE, [0.5], 0.5),
        ("bool", dbr.ENUM, [1], True),
        ("labels", dbr.STRING, [b"Open"], True),
        ("w:int64", dbr.DOUBLE, [1, -2], [1, -2]),
        ("w:bool", dbr.LONG, [0, 7], [False, True]),
        ("text", dbr.CHAR, list("Ärger\0".encode()), "Ärger"),
        ("text", dbr.STRING, [b"as a string"], "as a string"),
        ("strings", dbr.STRING, [b"a", b"", b"c"], ["a", "", "c"]),
        ("enums", dbr.ENUM, [2, 0], [2, 0]),
        ("enums", dbr.STRING, [b"b", b"c"], [1, 2]),
    ]:
        written = put(name, type_, *values)
        kinds = [type(v) for v in written] if isinstance(written, list) else [written]
        wanted = expected if isinstance(expected, list) else [expected]
        assert written == expected
        assert [type(v) for v in wanted] == (
            kinds if isinstance(written, list) else [type(written)]
        )


def test_arrays_of_strings_and_of_enums(driver, circuit):
    for given in (["a", "bc"], ("a", "bc"), np.array(["a", "bc"])):
        driver.setParam("strings", given)
        channel = circuit.create("S:strings")
        reply = circuit.get(channel, dbr.STRING, 0)
        assert reply.count == 2
        assert reply.payload[:80].replace(b"\0", b"") == b"abc"
    for given in ([2, 0], ["c", "a"], np.array([2, 0]), np.array(["c", "a"])):
        driver.setParam("enums", given)
        channel = circuit.create("S:enums")
        reply = circuit.get(channel, dbr.ENUM, 0)
        assert struct.unpack(">2H", reply.payload[:4]) == (2, 0)
    with pytest.raises(ValueError, match="'d' is none of the states"):
        driver.setParam("enums", ["a", "d"])


def test_alarms_and_deadbands(quiet):
    data = quiet.pvDB["limited"]
    for value, alarm, mask in [
        (2**53, (3, 2), 7),
        (2**53 + 1, (3, 2), cas.DBE_LOG),  # monitors have mdel
        (2**53 + 4, (3, 2), cas.DBE_VALUE | cas.DBE_LOG),
        (2**53 + 4, (3, 2), 0),
        (5, (0, 0), 7),
    ]:
        quiet.setParam("limited", value)
        assert (data.alarm, data.severity) == alarm
        assert data.mask == mask
        quiet.updatePVs()


def test_a_read_that_does_not_fit_fails(server, circuit, caplog):
    server.createPV("S:", {"small": {"type": "uint8", "value": 3}})

    class Reads(Driver):
        def read(self, reason):
            return self.result

    driver = Reads()
    driver.result = 5
    channel = circuit.create("S:small")
    assert circuit.get(channel, dbr.CHAR).payload[0] == 5
    driver.result = 256
    assert circuit.get(channel, dbr.CHAR).p1 != ECA_NORMAL
    assert "256 is out of range, allowed is 0 to 255" in caplog.text


def test_entries():
    info = PVInfo({"type": "text"})
    assert (info.count, info.value, info.form) == (4096, "", "String")
    assert PVInfo({"type": "text", "count": 80}).count == 80
    for entry, part in [
        ({"type": "text", "count": 1}, "'count' is 1, allowed is 2 or more"),
        ({"type": "uint8", "value": 256}, "0 to 255"),
        ({"type": "uint8", "value": [256], "count": 2}, "0 to 255"),
        ({"type": "int128"}, "allowed is 'float', "),
        ({"type": "text", "count": 3, "value": "much"}, "a text of 4 bytes"),
    ]:
        with pytest.raises(ValueError, match=part):
            PVInfo(entry, "X")
    assert PVInfo({"type": "int64", "value": 2.0}).value == 2
    assert PVInfo({"type": "bool", "value": "True"}).value is True
    assert PVInfo({"type": "uint16", "count": 3}).value == [0, 0, 0]


def test_infos_that_are_set_again_keep_the_type(quiet):
    for reason in ("int64", "bool", "text", "short", "uint8"):
        fields = quiet.pvDB[reason].handle.info.fields
        quiet.setParamInfo(reason, quiet.getParamInfo(reason))
        again = quiet.pvDB[reason].handle.info.fields
        for name in ("type_name", "count", "form"):
            assert again.values[name] == fields.values[name]
    quiet.setParamInfo("int64", {"type": "int"})
    assert quiet.pvDB["int64"].handle.info.fields.values["type_name"] == "int"


def test_one_line_names_those_that_may_lose_digits(caplog):
    def line():
        (found,) = [r for r in caplog.records if "2**53" in r.message]
        assert found.levelno == logging.WARNING
        caplog.clear()
        return found.message

    with SimpleServer(port=0, interfaces=["127.0.0.1"]) as server:
        pass  # it has begun and ended
    server.createPV("S:", {f"N{i}": {"type": "int64"} for i in range(5)})
    server.createPV(
        "S:", {"U": {"type": "uint64", "alias": "V"}, "I": {"type": "int32"}}
    )
    assert not caplog.records
    with server:
        assert "PV S:N0, S:N1, S:N2 and 3 more: " in line()
        server.createPV("S:", {"LATER": {"type": "int64"}, "F": {}})
        assert "PV S:LATER: " in line()
        server.createPV("S:", {"F2": {"type": "uint32"}})
    assert not caplog.records


def test_a_put_of_text_that_is_no_number(driver, circuit):
    channel = circuit.create("S:uint32")
    for text in (b"much", b"-5000000000", b"4294967296"):
        data = dbr.encode(dbr.STRING, text)
        assert circuit.put(channel, dbr.STRING, data).p1 == ECA_PUTFAIL
    assert driver.written == []


def test_numbers_of_types_that_a_program_may_give():
    for number, name in [
        (cas.aitEnumInt8, "int8"),
        (cas.aitEnumUint16, "uint16"),
        (cas.aitEnumUint32, "uint32"),
        (cas.aitEnumFloat32, "float32"),
        (cas.aitEnumUint8, "char"),
    ]:
        assert PVInfo({"type": number}).fields.values["type_name"] == name


def test_a_pv_with_a_write_of_its_own(server, circuit):
    seen = []

    class Own(SimplePV):
        def write(self, context, value):
            seen.append(value.get())
            return SimplePV.write(self, context, value)

    values = {"int8": -3, "uint8": 200, "uint16": 65535, "uint32": 4_000_000_000}
    server.createPV("O:", {"ANY": {}})
    for name in values:
        info = PVInfo({"type": name}, name, f"O:{name}")
        manager.pvs["default"][name] = manager.pvf[info.name] = Own(info.name, info)
    driver = Recorder()
    for name, value in values.items():
        channel = circuit.create(f"O:{name}")
        data = dbr.encode(dbr.DOUBLE, value)
        assert circuit.put(channel, dbr.DOUBLE, data).p1 == ECA_NORMAL
        assert seen.pop() == value == driver.getParam(name)
