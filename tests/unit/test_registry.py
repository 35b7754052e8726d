"""The dicts of the manager and pvDB: edits take effect at once."""

import struct

import pytest

from pcaspy import Driver, PVInfo, SimplePV, SimpleServer, cas
from pcaspy.driver import Data, Manager, manager
from pcaspy.testing import IsolatedServer
from support.wire import CREATE_CH_FAIL, SERVER_DISCONN, create_request

DOUBLE = 6
NORMAL, GETFAIL, PUTFAIL = 1, 152, 160


def number(message):
    return struct.unpack(">d", message.payload[:8])[0]


def refused(circuit, name):
    cid = circuit.new_id()
    circuit.send(create_request(name, cid))
    circuit.expect(CREATE_CH_FAIL, p1=cid)


def test_shapes(server):
    server.createPV("M:", {"A": {}, "B": {"port": "other"}})
    driver = Driver()
    assert sorted(manager.pvs) == ["default", "other"]
    assert isinstance(manager.pvs, dict)
    assert isinstance(manager.pvs["default"]["A"], SimplePV)
    assert manager.pvf["M:B"] is manager.pvs["other"]["B"]
    assert dict(Manager.driver) == {"default": driver}
    assert list(driver.pvDB) == ["A"]


def test_created_after_the_driver(server, circuit):
    driver = Driver()
    server.createPV("M:", {"A": {"value": 3}})
    assert driver.getParam("A") == 3
    assert number(circuit.get(circuit.create("M:A"), DOUBLE)) == 3


def test_without_a_driver_requests_fail(server, circuit, caplog):
    server.createPV("M:", {"A": {"port": "nobody"}})
    Driver()
    channel = circuit.create("M:A")
    assert circuit.get(channel, DOUBLE).p1 == GETFAIL
    assert circuit.put(channel, DOUBLE, bytes(8)).p1 == PUTFAIL
    assert all("M:A" in record.getMessage() for record in caplog.records)
    assert len(caplog.records) >= 2


def test_removed_from_the_names(server, circuit):
    server.createPV("M:", {"A": {}, "B": {}})
    Driver()
    channel = circuit.create("M:A")
    del manager.pvf["M:A"]
    circuit.expect(SERVER_DISCONN, p1=channel.cid)
    refused(circuit, "M:A")
    manager.pvf.clear()
    refused(circuit, "M:B")


def test_replaced(server, circuit):
    server.createPV("M:", {"A": {"value": 1}})
    driver = Driver()
    channel = circuit.create("M:A")
    server.createPV("M:", {"A": {"value": 2, "type": "int"}})
    circuit.expect(SERVER_DISCONN, p1=channel.cid)
    channel = circuit.create("M:A")
    assert (channel.type, driver.getParam("A")) == (5, 2)
    assert number(circuit.get(channel, DOUBLE)) == 2


@pytest.mark.parametrize("order", ["pvs pvf data", "data pvs pvf", "pvf data pvs"])
def test_added_by_hand(server, circuit, order):
    server.createPV("M:", {"A": {}})
    driver = Driver()
    info = PVInfo({"value": 4})
    info.reason, info.name = "NEW", "M:NEW"
    pv, data = SimplePV(info.name, info), Data()
    data.value = 5
    for what in order.split():
        if what == "pvs":
            manager.pvs["default"]["NEW"] = pv
        elif what == "pvf":
            manager.pvf["M:NEW"] = pv
        else:
            driver.pvDB["NEW"] = data
    channel = circuit.create("M:NEW")
    assert number(circuit.get(channel, DOUBLE)) == 5
    assert circuit.put(channel, DOUBLE, struct.pack(">d", 6)).p1 == NORMAL
    assert (data.value, driver.getParam("NEW")) == (6, 6)


def test_everything_reset_and_made_anew(server, circuit):
    server.createPV("M:", {"A": {}})
    Driver()
    manager.pvs.clear()
    manager.pvf.clear()
    manager.driver.clear()
    server.createPV("M:", {"A": {"value": 7}})
    driver = Driver()
    assert list(driver.pvDB) == ["A"]
    assert number(circuit.get(circuit.create("M:A"), DOUBLE)) == 7


def test_dicts_can_be_assigned(server):
    server.createPV("M:", {"A": {}})
    Manager.pvf = {}
    manager.pvs = {}
    assert (server.stats()["pvs"], dict(manager.pvs)) == (0, {})


def test_data_removed(server, circuit, caplog):
    server.createPV("M:", {"A": {}})
    driver = Driver()
    del driver.pvDB["A"]
    assert circuit.put(circuit.create("M:A"), DOUBLE, bytes(8)).p1 == PUTFAIL
    with pytest.raises(KeyError):
        driver.setParam("A", 1)


def test_one_reason_under_two_names(server, circuit):
    for prefix in "M1:", "M2:":
        server.createPV(prefix, {"A": {}})
    driver = Driver()
    channels = [circuit.create(name) for name in ("M1:A", "M2:A")]
    subid, _ = circuit.subscribe(channels[0], DOUBLE)
    # No reply to wait for: nothing promises that it comes ahead of the update.
    circuit.write(channels[1], DOUBLE, struct.pack(">d", 8))
    assert number(next(circuit.updates(subid))) == 8
    assert [number(circuit.get(channel, DOUBLE)) for channel in channels] == [8, 8]
    assert driver.getParam("A") == 8


def test_drivers_of_ports(server, circuit):
    class Other(Driver):
        port = "other"

        def write(self, reason, value):
            self.setParam(reason, value + 1)

    server.createPV("M:", {"A": {}, "B": {"port": "other"}})
    Driver()
    Other()
    for name, value in ("M:A", 1), ("M:B", 2):
        channel = circuit.create(name)
        circuit.put(channel, DOUBLE, struct.pack(">d", 1))
        assert number(circuit.get(channel, DOUBLE)) == value


def test_type_and_count_can_be_changed(server, circuit):
    server.createPV("M:", {"A": {"value": 2}})
    driver = Driver()
    channel = circuit.create("M:A")
    driver.setParamInfo("A", {"type": "int", "count": 4})
    circuit.expect(SERVER_DISCONN, p1=channel.cid)
    channel = circuit.create("M:A")
    assert (channel.type, channel.count) == (5, 4)
    assert number(circuit.get(channel, DOUBLE)) == 2


class OnDemand(IsolatedServer):
    def pvExistTest(self, context, addr, fullname):
        return cas.pverExistsHere if "YES" in fullname else cas.pverDoesNotExistHere

    def pvAttach(self, context, fullname):
        if "YES" not in fullname:
            return cas.S_casApp_pvNotFound
        if fullname not in manager.pvf:
            self.createPV("", {fullname: {"value": 9}})
        return manager.pvf[fullname]


def test_pvs_on_demand():
    from support.wire import Circuit

    with OnDemand() as server:
        Driver()
        with Circuit(("127.0.0.1", server.tcp_port)) as circuit:
            assert number(circuit.get(circuit.create("SAY:YES"), DOUBLE)) == 9
            refused(circuit, "SAY:NO")


class Watched(SimplePV):
    __slots__ = ("seen",)

    def interestRegister(self):
        self.seen.append(True)
        return super().interestRegister()

    def interestDelete(self):
        self.seen.append(False)


def test_interest(idle):
    from support.wire import Circuit

    Driver()
    pv = Watched("M:W", PVInfo({}, "W", "M:W"))
    pv.seen = []
    manager.pvf["M:W"] = manager.pvs.setdefault("default", {})["W"] = pv
    with Circuit(("127.0.0.1", idle.tcp_port)) as circuit:
        channel = circuit.create("M:W")
        subid, _ = circuit.subscribe(channel, DOUBLE)
        while pv.seen != [True]:
            idle.process(0.01)
        assert pv.interest is True
        circuit.cancel(channel, subid, DOUBLE)
        while pv.seen != [True, False]:
            idle.process(0.01)
    assert pv.interest is False


def test_driver_of_another_server_is_bound_by_argument():
    with IsolatedServer() as one, IsolatedServer():
        one.createPV("M:", {"A": {}})
        assert list(Driver(one).pvDB) == ["A"]
        assert list(Driver().pvDB) == []


def test_default_tests_of_names(idle):
    idle.createPV("M:", {"A": {}})
    assert idle.pvExistTest(None, None, "M:A") == cas.pverExistsHere
    assert idle.pvExistTest(None, None, "M:B") == cas.pverDoesNotExistHere
    assert idle.pvAttach(None, "M:A") is manager.pvf["M:A"]
    assert isinstance(idle, SimpleServer)
