"""Tables and images in a pvdb: what their entries may say."""

from __future__ import annotations

import logging

import numpy
import pytest

from pcaspy import Driver, PVInfo
from pcaspy.testing import IsolatedServer

TABLE = {"type": "table", "columns": {"x": "float", "name": "string"}}


@pytest.mark.parametrize(
    ("entry", "said"),
    [
        ({"type": "table"}, "'columns' is missing: a table needs a dict of names"),
        ({"type": "table", "columns": {}}, "'columns' is {}, allowed is a dict"),
        ({"type": "table", "columns": ["x"]}, "'columns' is .'x'., allowed is a dict"),
        ({"type": "table", "columns": {"x y": "float"}}, "letters, digits and '_'"),
        ({"type": "table", "columns": {"x": "enum"}}, "and types: 'string'"),
        ({"type": "table", "columns": {"x": "table"}}, "and types: 'string'"),
        ({"type": "table", "columns": {5: "int"}}, "letters, digits and '_'"),
        ({**TABLE, "labels": ["X"]}, "one for each column: there are 2"),
        ({**TABLE, "value": {"x": [1]}}, "'name' is missing"),
        ({**TABLE, "value": 5}, "allowed is a dict of the columns"),
        ({"type": "ndarray", "value": "text"}, "allowed is an array of numbers"),
        ({"type": "ndarray", "count": 3, "value": [1, 2, 3, 4]}, "at most 3 pixels"),
    ],
)
def test_an_entry_that_is_wrong(entry, said):
    with pytest.raises(ValueError, match="PV 'SPOTS': field .*" + said):
        PVInfo(entry, "SPOTS")


@pytest.mark.parametrize(
    ("entry", "said"),
    [
        ({**TABLE, "prec": 3}, "'prec' has no effect: the type is not a number"),
        ({"type": "ndarray", "high": 3}, "'high' has no effect"),
        ({"columns": {"x": "int"}}, "only type 'table' has columns"),
        ({"type": "ndarray", "labels": ["x"]}, "only type 'table' has columns"),
    ],
)
def test_fields_without_effect(caplog, entry, said):
    PVInfo(entry, "SPOTS")
    assert said in caplog.text


@pytest.mark.parametrize("entry", [TABLE, {"type": "ndarray"}])
def test_entries_that_are_fine(caplog, entry):
    info = PVInfo(entry, "SPOTS")
    assert caplog.text == ""
    assert info.type == 12  # aitEnumContainer of gdd
    assert info.columns == entry.get("columns", {})


def test_a_server_without_pvaccess_says_that_nobody_finds_them(caplog):
    server = IsolatedServer()
    server.createPV("", {**dict.fromkeys("ABCDE", TABLE), "N": {}})
    with server:
        pass
    (told,) = [r.message for r in caplog.records if "tables and images" in r.message]
    assert told.endswith("and 2 more: no client finds tables and images, which only"
                         " PVAccess has: SimpleServer(pva=True) or PCASPY_PVA=YES"
                         " serves it")  # fmt: skip


def test_values_as_a_driver_sees_them(caplog):
    caplog.set_level(logging.WARNING)
    with IsolatedServer() as server:
        server.createPV("", {"T": TABLE, "I": {"type": "ndarray"}})
        driver = Driver(server)
        assert driver.getParam("T") == {"x": [], "name": []}
        driver.setParam("T", {"x": (1, 2), "name": numpy.array(["u", "v"])})
        table = driver.getParam("T")
        assert table["x"].tolist() == [1, 2]
        assert table["x"].dtype == "f8"
        assert table["name"] == ["u", "v"]
        rows = numpy.array([(1.5, "u" * 50)], dtype=[("x", "f4"), ("name", "U60")])
        driver.setParam("T", rows)
        assert driver.getParam("T")["name"] == ["u" * 50]
        driver.setParam("I", numpy.eye(3, dtype=bool))
        image = driver.getParam("I")
        assert image.dtype == bool
        assert image.tolist() == numpy.eye(3).astype(bool).tolist()
        image[0, 0] = False  # the driver's own
        assert driver.getParam("I")[0, 0]
        for reason in "TI":
            driver.setParam(reason, None)
            assert driver.getParam(reason) is None
        driver.setParam("I", numpy.zeros((2, 0)))
        assert driver.getParam("I").shape == (2, 0)
