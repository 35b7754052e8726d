"""Tables and images: as p4p has them, whole, and not over Channel Access."""

import hashlib
import itertools
import re
import time

import pytest
import structured_values as values
from pva_support import (
    HERE,
    SECONDS,
    Client,
    PvaServer,
    free_port,
    new_prefix,
    ours,
    server_environment,
)

from support import wire
from support.peers import peer_python
from support.ports import LOOPBACK
from support.process import Child


@pytest.fixture(scope="module")
def server():
    with ours(script="structured_side.py") as running:
        yield running


@pytest.fixture(scope="module")
def reference():
    prefix = new_prefix()
    ports = ("EPICS_PVAS_SERVER_PORT", "EPICS_PVAS_BROADCAST_PORT")
    env = server_environment(**{name: str(free_port()) for name in ports})
    argv = [str(peer_python("p4p")), str(HERE / "structured_reference.py"), prefix]
    with PvaServer(Child(argv, env), prefix) as running:
        yield running


@pytest.fixture(scope="module")
def client(server):
    with Client(server, script="structured_client.py") as running:
        yield running


@pytest.fixture(scope="module")
def reference_client(reference):
    with Client(reference, script="structured_client.py") as running:
        yield running


def both(server, reference, do, **arguments):
    reference.ask(do, **arguments)
    return server.ask(do, **arguments)


# ---- the same as another server of PVAccess has ----


def test_a_table_has_the_same_type(server, client, reference, reference_client):
    both(server, reference, "table", seed=1)
    assert client.ask("types", pv="TABLE") == reference_client.ask("types", pv="TABLE")


def test_an_image_has_the_same_type_and_a_description(
    server, client, reference, reference_client
):
    both(server, reference, "image", dtype="u1", shape=[2, 3], seed=1)
    name, fields = client.ask("types", pv="IMAGE")
    of_others, plain = reference_client.ask("types", pv="IMAGE")
    assert name == of_others
    assert fields.replace(", ('descriptor', 's')]", "]") == plain
    assert client.ask("get", pv="IMAGE", field="descriptor") == "an image"


@pytest.mark.parametrize("seed", range(6))
def test_tables_are_the_same(server, client, reference, reference_client, seed):
    both(server, reference, "table", seed=seed)
    found = client.ask("table", pv="TABLE")
    assert found == reference_client.ask("table", pv="TABLE")
    assert found[0] == values.LABELS


@pytest.mark.parametrize(
    ("seed", "dtype", "shape"),
    [
        (seed, dtype, shape)
        for seed, (dtype, shape) in enumerate(
            [*((d, (4, 5)) for d in values.DTYPES), *(("u2", s) for s in values.SHAPES)]
        )
    ],
)
def test_images_are_the_same(
    server, client, reference, reference_client, seed, dtype, shape
):
    arguments = {"dtype": dtype, "shape": list(shape), "seed": seed}
    kept = both(server, reference, "image", **arguments)
    found = client.ask("image", pv="IMAGE")
    of_others = reference_client.ask("image", pv="IMAGE")
    assert found == of_others
    # And the driver still has what it set.
    assert kept == [found["dtype"], found["shape"], found["pixels"]]


# ---- what a driver may set ----

GOOD = {
    "SHORT": {"a": [1], "b": ["u"]},
    "SMALL": [[1, 2]],
    "TABLE": {"x": [1], "n": [1], "name": ["u"], "small": [1]},
}


def test_unusual_layouts(server):
    kept = server.ask("unusual")
    assert kept == dict.fromkeys(kept, True)


def test_a_driver_may_change_its_arrays_afterwards(server):
    assert server.ask("mine") == [[1.0, 2.0], [[0.0, 0.0], [0.0, 0.0]]]


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("SHORT", {"a": [1]}, "ValueError: .*SHORT.* column 'b' is missing"),
        ("SHORT", {"a": [1], "b": ["u"], "c": []}, "there is no column 'c', but 'a'"),
        ("SHORT", {"a": [1, 2], "b": ["u"]}, "column 'b' has 1 rows, 'a' has 2"),
        ("SHORT", {"a": ["text"], "b": ["u"]}, "column 'a': could not convert"),
        ("SHORT", {"a": [1], "b": "u"}, "TypeError: .*column 'b': one text"),
        ("SHORT", [1, 2], "a table is a dict of the columns 'a', 'b'"),
        ("SHORT", "text", "a table is a dict of the columns 'a', 'b'"),
        ("TABLE", {**GOOD["TABLE"], "n": [2**31]}, "'n': .*2147483648.* out of range"),
        ("TABLE", {**GOOD["TABLE"], "small": [-1]}, "'small': .*allowed is 0 to 255"),
        ("SMALL", [[1, 2, 3, 4], [5, 6, 7, 8]], "at most 6 pixels are allowed, not 8"),
        ("SMALL", [["text"]], "an image is an array of numbers, not of <U4"),
        ("SMALL", 5, "an image has 1 to 10 dimensions, not 0"),
    ],
)  # fmt: skip
def test_what_does_not_fit_changes_nothing(server, client, name, value, said):
    assert server.ask("set", name=name, value=GOOD[name]) is None
    of = "image" if name == "SMALL" else "table"
    before = client.ask(of, pv=name)
    error = server.ask("set", name=name, value=value)
    assert re.search(said, error), error
    assert server.pv(name) in error
    assert client.ask(of, pv=name) == before


def test_rows_beyond_the_count_are_left_out_of_all_columns(server, client):
    five = {"a": list(range(5)), "b": [*"uvwxy"]}
    assert server.ask("set", name="SHORT", value=five) is None
    assert client.ask("table", pv="SHORT")[1] == {"a": [0, 1, 2], "b": [*"uvw"]}


def test_columns_stay(server):
    error = server.ask("info", name="SHORT", info={"columns": {"c": "int"}})
    assert "'columns'" in error
    error = server.ask("info", name="NUMBER", info={"type": "ndarray"})
    assert "'type'" in error
    assert server.ask("info", name="SHORT", info={"desc": "another"}) is None


def test_read_may_return_an_image(client):
    found = client.ask("image", pv="READ")
    assert [found["dtype"], found["pixels"]] == ["<u2", [[0, 1, 2], [3, 4, 5]]]


# ---- puts ----


def test_a_put_of_a_table(server, client):
    server.ask("written")
    assert client.ask("put_table", pv="TABLE", seed=33) is None
    ((reason, written),) = server.ask("written")
    assert reason == "TABLE"
    found = client.ask("table", pv="TABLE")[1]
    for name, column in written.items():
        assert found[name] == (column if name == "name" else column[2])
    assert server.ask("table", seed=33) == written


@pytest.mark.parametrize("dtype", values.DTYPES)
def test_a_put_of_an_image(server, client, dtype):
    server.ask("written")
    arguments = {"dtype": dtype, "shape": [3, 4], "seed": 5}
    assert client.ask("put_image", pv="IMAGE", **arguments) is None
    (written,) = server.ask("written")
    assert written == ["IMAGE", server.ask("image", **arguments)]


@pytest.mark.parametrize(
    ("put", "said"),
    [
        ({"count": 5, "sizes": [2, 3]}, "the dimensions make 6 pixels"),
        ({"count": 7, "sizes": [7]}, "7 pixels are too many: at most 6"),
        ({"count": 6, "sizes": [-2, -3]}, "a dimension of -2 is not allowed"),
        ({"count": 6, "sizes": [2**30] * 9}, "but there are 6"),
        ({"count": 5}, "but there are 5"),
        ({"count": 6, "sizes": [6], "codec": "jpeg"}, "no codec is allowed"),
    ],
)
def test_bad_puts_of_images_are_refused(server, client, put, said):
    assert server.ask("set", name="SMALL", value=[[1, 2, 3], [4, 5, 6]]) is None
    server.ask("written")
    before = client.ask("image", pv="SMALL")
    error = client.ask("put_pixels", pv="SMALL", **put)
    assert said in error
    assert client.ask("image", pv="SMALL") == before
    assert server.ask("written") == []


def test_bad_puts_of_tables_are_refused(server, client):
    assert server.ask("set", name="SHORT", value={"a": [1, 2], "b": ["u", "v"]}) is None
    server.ask("written")
    assert "all columns must" in client.ask("put", pv="SHORT", value={"value.a": [1.0]})
    four = {"value.a": [1.0] * 4, "value.b": ["u"] * 4}
    assert "4 rows are too many" in client.ask("put", pv="SHORT", value=four)
    assert "no value" in client.ask("put", pv="SHORT", value={})
    assert server.ask("written") == []
    # A column alone goes, if it has as many rows.
    assert client.ask("put", pv="SHORT", value={"value.a": [8.0, 9.0]}) is None
    assert client.ask("table", pv="SHORT")[1] == {"a": [8, 9], "b": ["u", "v"]}


# ---- monitors ----


def test_later_updates_have_what_changed(server, client):
    server.ask("image", dtype="u1", shape=[2, 2], seed=1)
    client.ask("monitor", pv="IMAGE")
    first = client.ask("event", pv="IMAGE")
    assert {"value", "descriptor", "alarm.severity", "dimension"} <= set(first)
    server.ask("image", dtype="u1", shape=[2, 2], seed=2)
    later = client.ask("event", pv="IMAGE")
    assert {"value", "uniqueId", "timeStamp.nanoseconds", "dimension"} <= set(later)
    assert not {"descriptor", "alarm.severity"} & set(later)
    server.ask("info", name="IMAGE", info={"desc": "another"})
    assert client.ask("event", pv="IMAGE") == ["descriptor"]
    server.ask("alarm", name="IMAGE")
    assert "alarm.severity" in client.ask("event", pv="IMAGE")
    server.ask("info", name="IMAGE", info={"desc": "an image"})


def test_numbers_of_images_grow_by_one(server, client):
    def number():
        return client.ask("get", pv="IMAGE", field="uniqueId")

    server.ask("image", dtype="u1", shape=[2, 2], seed=1)
    first = number()
    for following in (1, 2, 3):
        server.ask("image", dtype="u1", shape=[2, 2], seed=following)
        assert number() == first + following


def test_a_selected_column(server, client):
    server.ask("table", seed=4)
    client.ask("monitor", pv="TABLE", request="field(value.x)")
    assert client.ask("event", pv="TABLE") == ["value.x"]


# ---- large ones ----


def test_sixteen_megabytes_arrive_whole(server, client):
    server.ask("images", count=1, size=16 << 20)
    expected = hashlib.sha256(bytes([1]) * (16 << 20)).hexdigest()
    assert client.ask("digest", pv="IMAGE") == [[16384, 1024], expected]


def test_a_monitor_gets_the_last_of_many_large_images(server, client):
    """Images that are replaced while they wait are freed."""
    client.ask("monitor", pv="IMAGE", request="record[queueSize=2]field(value)")
    before = server.ask("memory")
    server.ask("images", count=100, size=4 << 20)
    deadline = time.monotonic() + SECONDS
    while client.ask("event_pixels", pv="IMAGE") != 100:
        assert time.monotonic() < deadline
    server.ask("images", count=1, size=1024)
    # Far less than the 400 MB that went through.
    assert server.ask("memory") < before + 100


# ---- Channel Access ----


def test_channel_access_does_not_find_them_and_says_so(server):
    port = server.child.ready["tcp_port"]
    numbers = itertools.count(1)
    with wire.Circuit((LOOPBACK, port)) as circuit:
        for name in ("IMAGE", "TABLE", "IMAGE"):
            cid = next(numbers)
            circuit.send(wire.create_request(server.pv(name), cid))
            circuit.expect(wire.CREATE_CH_FAIL, p1=cid)
        assert circuit.create(server.pv("NUMBER")).sid is not None
    told = [f"PV {server.pv(name)} is a table or an" for name in ("TABLE", "IMAGE")]
    deadline = time.monotonic() + SECONDS
    while not all(text in server.child.stderr() for text in told):
        assert time.monotonic() < deadline, server.child.stderr()
        time.sleep(0.05)
    assert [server.child.stderr().count(text) for text in told] == [1, 1]
