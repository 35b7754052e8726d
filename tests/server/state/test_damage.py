"""Damaged files: the server starts, and has only values that were once saved."""

import json
import random
import tempfile
import zlib
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from state_support import Kept, values_in

from pcaspy.state.file import StateFile, UnusableError
from pcaspy.state.format import NewerVersionError, parse, sealed, whole
from support.scale import scaled

NAMES = "ABCDEFGH"
PVDB = {name: {} for name in NAMES}


def messages(caplog):
    return [r.getMessage() for r in caplog.records if r.name == "pcaspy.state"]


def restored(path):
    """{reason: value} of what a server has, without what it began with."""
    with Kept(path, PVDB) as driver:
        values = {reason: driver.getParam(reason) for reason in PVDB}
    return {reason: value for reason, value in values.items() if value}


@pytest.fixture
def two_saved(path, saved):
    """A file, and a backup with values a hundred lower."""
    saved(PVDB, **{name: n + 1 for n, name in enumerate(NAMES)})
    saved(PVDB, **{name: n + 101 for n, name in enumerate(NAMES)})
    return path


NEW = {name: n + 101 for n, name in enumerate(NAMES)}
OLD = {name: n + 1 for n, name in enumerate(NAMES)}


def cut(data):
    return data[: len(data) // 2]


DAMAGES = {
    "cut": cut,
    "no end": lambda data: b"\n".join(data.split(b"\n")[:-2]) + b"\n",
    "no first line": lambda data: data.split(b"\n", 1)[1],
    "a bit": lambda data: data.replace(b"105.0", b"105.1"),
    "empty": lambda data: b"",
    "zeros": lambda data: bytes(len(data)),
    "a line less": lambda data: data.replace(data.split(b"\n")[3] + b"\n", b""),
    "more behind it": lambda data: data + b"x",
    "twice": lambda data: data + data,
    "noise": lambda data: data[:40] + random.Random(1).randbytes(1000),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_the_backup_takes_its_place(two_saved, caplog, damage):
    damaged = DAMAGES[damage](two_saved.read_bytes())
    two_saved.write_bytes(damaged)
    assert restored(two_saved) == OLD
    assert "is damaged: its backup" in messages(caplog)[0]
    # What could not be read is kept, and the file is right again.
    aside = two_saved.with_name("axis.state.damaged")
    assert (aside.read_bytes() if damaged else b"") == damaged
    assert {name[2:]: value for name, value in values_in(two_saved).items()} == OLD
    assert values_in(two_saved.with_name("axis.state.bak"))["X:A"] == 1
    caplog.clear()
    assert restored(two_saved) == OLD
    assert not messages(caplog)


def test_a_file_that_is_missing(two_saved, caplog):
    two_saved.unlink()
    assert restored(two_saved) == OLD
    assert "is missing: its backup" in messages(caplog)[0]
    assert values_in(two_saved)["X:A"] == 1


def test_without_a_backup_intact_lines_are_used(two_saved, caplog):
    two_saved.with_name("axis.state.bak").unlink()
    damaged = two_saved.read_bytes().replace(b"105.0", b"105.1")
    two_saved.write_bytes(damaged)
    assert restored(two_saved) == {k: v for k, v in NEW.items() if v != 105}
    assert "7 intact lines" in messages(caplog)[0]
    assert two_saved.with_name("axis.state.damaged").read_bytes() == damaged
    assert len(values_in(two_saved)) == 7


def test_both_are_damaged(two_saved):
    backup = two_saved.with_name("axis.state.bak")
    two_saved.write_bytes(two_saved.read_bytes().replace(b"105.0", b"105.1"))
    backup.write_bytes(backup.read_bytes().replace(b"1.0", b"1.1"))
    assert restored(two_saved) == {**NEW, "E": 5}


def test_damaged_files_do_not_pile_up(path, saved):
    for n in range(15):
        saved({"A": {}}, A=n + 1)
        path.write_bytes(path.read_bytes()[:-3])
    kept = [p for p in path.parent.iterdir() if "damaged" in p.name]
    assert len(kept) == 10


def test_a_file_that_another_program_has_changed(path, caplog):
    with Kept(path, PVDB) as driver:
        driver.setParam("A", 1)
        keeper = driver.pvDB.registry.keeper
        keeper.save(keeper.periods())
        path.write_text("my notes")
        driver.setParam("A", 2)
    assert values_in(path) == {"X:A": 2.0}
    assert path.with_name("axis.state.damaged").read_text() == "my notes"
    assert "another program" in messages(caplog)[0]


@pytest.mark.parametrize("version", [2, 3, 99])
def test_a_version_to_come(two_saved, caplog, version):
    """It is left alone, also where its lines look otherwise."""
    new = sealed(f'{{"pcaspy":"state","version":{version}') + b"binary\0\n"
    two_saved.write_bytes(new)
    backup = two_saved.with_name("axis.state.bak").read_bytes()
    with Kept(two_saved, PVDB) as driver:
        driver.setParam("A", 5)
    (told,) = messages(caplog)
    assert f"version {version}, not 1" in told
    assert "not saved" in told
    assert two_saved.read_bytes() == new
    assert two_saved.with_name("axis.state.bak").read_bytes() == backup


def test_a_version_by_hand_is_one_to_come(two_saved):
    data = two_saved.read_bytes()
    with pytest.raises(NewerVersionError):
        parse(data.replace(b'"version":1', b'"version":99'))
    assert parse(data.replace(b'"version":1', b'"version":3')).damaged  # a bit


NONSENSE = [
    '"type":"float"',
    '"type":"float","value":null',
    '"type":"float","value":{}',
    '"type":"float","value":"x"',
    '"type":"float","value":[[1]]',
    '"type":"float","value":true',
    '"type":"float","value":1' + "0" * 400,
    '"type":"float","value":{"dtype":"f8","base64":"AAA"}',
    '"type":"float","value":{"dtype":"x","base64":""}',
    '"type":"float","value":{"dtype":"f8","base64":"????????"}',
    '"type":"int","value":1.5',
    '"type":"no","value":1',
    '"type":[],"value":1',
    '"type":"enum","value":"on"',
    '"type":"enum","value":"on","index":"1"',
    '"type":"enum","value":["on"],"index":[1,2]',
    '"type":"string","value":7',
    '"type":"table","value":7',
    '"type":"table","value":{"columns":7}',
    '"type":"ndarray","value":{"shape":[9],"dtype":"f8","elements":[1]}',
    '"type":"ndarray","value":{"shape":[1],"dtype":"O","elements":[1]}',
    '"type":"ndarray","value":{"shape":"x","dtype":"f8","elements":[1]}',
]


@pytest.mark.parametrize(
    "fields", [{}, {"type": "table", "columns": {"x": "float"}}, {"type": "ndarray"}]
)
def test_lines_that_make_no_sense(path, caplog, fields):
    """They have a right check, so it was no damage; the others are restored."""
    time = ',"time":"2026-01-02T03:04:05.000000006Z"'
    lines = [sealed(f'{{"pv":"X:N{n}",{text}{time}') for n, text in enumerate(NONSENSE)]
    wrong_times = ["", ',"time":7', ',"time":"2026-13-45T00:00:00.000000000Z"']
    wrong_times += [',"time":"1980-01-01T00:00:00.000000000Z"']
    lines += [
        sealed(f'{{"pv":"X:T{n}","type":"float","value":1.0{text}')
        for n, text in enumerate(wrong_times)
    ]
    lines.append(sealed(f'{{"pv":"X:OK","type":"float","value":5.0{time}'))
    path.write_bytes(whole(lines, "2026-01-02T03:04:05.000000006Z"))
    pvdb = {f"N{n}": fields for n in range(len(NONSENSE))}
    pvdb |= {f"T{n}": {} for n in range(len(wrong_times))}
    with Kept(path, {**pvdb, "OK": {}}) as driver:
        assert driver.getParam("OK") == 5
    told = messages(caplog)
    assert len(told) == len(pvdb)
    assert all(text.startswith("PV X:") for text in told)
    assert len(parse(path.read_bytes()).lines) == len(lines)  # nothing is lost either


def test_lines_that_are_no_entries(path):
    """Right checks, and yet nothing that this program has written."""
    for body in (b"[1]", b"7", b'{"pv":7}', b"{}", b"[" * 100_000, b'{"pv":"X:A"}'):
        data = body + b',"check":"%08x"}\n' % zlib.crc32(body)
        path.write_bytes(whole([data], "x"))
        assert restored(path) == {}


# ---- random damage ----


@pytest.fixture(scope="module")
def original(tmp_path_factory):
    path = tmp_path_factory.mktemp("state") / "axis.state"
    for most in (0, 100):
        with Kept(path, PVDB) as driver:
            for n, name in enumerate(NAMES):
                driver.setParam(name, n + 1 + most)
    return path


ONCE_SAVED = {name: {None, OLD[name], NEW[name]} for name in NAMES}


def damaged_by(rng, data):
    """A few random damages."""
    data = bytearray(data)
    for _ in range(rng.randint(1, 4)):
        where = rng.randrange(len(data) + 1)
        kind = rng.randrange(6)
        if kind == 0:
            del data[where:]
        elif kind == 1 and where < len(data):
            data[where] ^= 1 << rng.randrange(8)
        elif kind == 2:
            data[where:where] = rng.randbytes(rng.randint(1, 50))
        elif kind == 3:
            del data[where : where + rng.randint(1, 100)]
        elif kind == 4:
            piece = data[where : where + 200]
            there = rng.randrange(len(data) + 1)
            data[there:there] = piece
        else:
            data[where : where + 64] = bytes(64)
    return bytes(data)


@settings(max_examples=scaled(60, 2000), deadline=None)
@given(seed=st.integers(0, 2**32), both=st.booleans(), backup=st.booleans())
def test_random_damage(original, seed, both, backup):
    """What is read was saved once, and what is written then is intact."""
    rng = random.Random(seed)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "axis.state"
        path.write_bytes(damaged_by(rng, original.read_bytes()))
        if backup:
            data = original.with_name("axis.state.bak").read_bytes()
            copy = path.with_name("axis.state.bak")
            copy.write_bytes(damaged_by(rng, data) if both else data)
        file = StateFile(path)
        try:
            contents = file.load()
        except UnusableError:
            return  # it is not recognized any more, and so not touched
        for name, entry in contents.entries.items():
            assert entry["value"] in ONCE_SAVED[name.removeprefix("X:")]
        if backup and not both:
            assert len(contents.lines) == len(NAMES)
        file.write(contents.lines.values())
        assert values_in(path) == {n: e["value"] for n, e in contents.entries.items()}


def test_servers_start_from_random_damage(original, tmp_path, caplog):
    rng = random.Random(7)
    for n in range(scaled(5, 200)):
        path = tmp_path / f"{n}.state"
        path.write_bytes(damaged_by(rng, original.read_bytes()))
        found = restored(path)
        assert all(value in ONCE_SAVED[name] for name, value in found.items())


def test_each_flipped_bit_is_seen(original):
    data = original.read_bytes()
    end = data.index(b"\n", 200)
    for place in range(end + 1):
        for bit in range(8):
            flipped = bytearray(data)
            flipped[place] ^= 1 << bit
            assert parse(bytes(flipped)).damaged is not None, (place, bit)


def test_each_truncation_is_seen(original):
    data = original.read_bytes()
    for size in range(len(data)):
        parsed = parse(data[:size])
        assert parsed.damaged is not None, size
        assert parsed.entries.items() <= parse(data).entries.items()


def test_json_lines(original):
    """Any program reads it."""
    first, *lines, last = map(json.loads, original.read_text().splitlines())
    assert first["pcaspy"] == "state"
    assert first["version"] == 1
    assert {line["pv"]: line["value"] for line in lines} == {
        f"X:{name}": value for name, value in NEW.items()
    }
    assert last["end"] == len(lines)
