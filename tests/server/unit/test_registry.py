"""The dicts of the manager and pvDB: edits take effect at once."""

import socket
import struct
import threading

import pytest

from pcaspy import Driver, PVInfo, SimplePV, SimpleServer, cas
from pcaspy.driver import Data, Manager, manager
from pcaspy.native._links import data_of
from pcaspy.testing import IsolatedServer
from support.wire import (
    CREATE_CH_FAIL,
    EVENT_ADD,
    LONG_DEADLINE,
    SEARCH,
    SERVER_DISCONN,
    WRITE_NOTIFY,
    create_request,
    pack,
    search_request,
    unpack_all,
    version,
)

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
    assert (channel.type, driver.getParam("A")) == (5, 1)
    assert number(circuit.get(channel, DOUBLE)) == 1


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


@pytest.mark.parametrize(
    ("change", "served"),
    [
        ({"type": "int", "count": 4}, (5, 4)),
        ({"type": "int"}, (5, 1)),
        ({"count": 4}, (DOUBLE, 4)),
    ],
)
def test_type_and_count_can_be_changed(server, circuit, change, served):
    server.createPV("M:", {"A": {"value": 2}})
    driver = Driver()
    channel = circuit.create("M:A")
    driver.setParamInfo("A", change)
    circuit.expect(SERVER_DISCONN, p1=channel.cid)
    channel = circuit.create("M:A")
    assert (channel.type, channel.count) == served
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


def test_any_number_of_names_is_asked_for():
    """More than the server asks for at once, by number and by bytes; by two clients."""
    rounds, together = 1100, 10
    with (
        OnDemand() as server,
        socket.socket(type=socket.SOCK_DGRAM) as one,
        socket.socket(type=socket.SOCK_DGRAM) as other,
    ):
        for n in range(rounds):
            client = (one, other)[n % 2]
            client.settimeout(LONG_DEADLINE)
            cids = set(range(n * together, (n + 1) * together))
            searches = [search_request(f"YES{cid:0110}", cid) for cid in cids]
            client.sendto(
                version() + b"".join(searches), ("127.0.0.1", server.udp_port)
            )
            while cids:
                hits = unpack_all(client.recv(2048))
                cids -= {hit.p2 for hit in hits if hit.command == SEARCH}
        assert server.stats()["search_hits"] == rounds * together


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


def test_set_params_reaches_every_name(server, circuit):
    for prefix in "M1:", "M2:":
        server.createPV(prefix, {"A": {}})
    driver = Driver()
    channels = [circuit.create(name) for name in ("M1:A", "M2:A")]
    subids = [circuit.subscribe(channel, DOUBLE)[0] for channel in channels]
    driver.setParams({"A": 8})
    updates = [circuit.expect(EVENT_ADD) for _ in subids]
    assert {m.p2: number(m) for m in updates} == dict.fromkeys(subids, 8)
    assert [number(circuit.get(channel, DOUBLE)) for channel in channels] == [8, 8]


def test_callback_answers_under_every_name(server, circuit):
    for prefix in "M1:", "M2:":
        server.createPV(prefix, {"A": {"asyn": True}})
    begun = threading.Semaphore(0)

    class Slow(Driver):
        def write(self, reason, value):
            begun.release()
            return True

    driver = Slow()
    for name in ("M1:A", "M2:A"):
        channel, ioid = circuit.create(name), circuit.new_id()
        header = {"type": DOUBLE, "count": 1, "p1": channel.sid, "p2": ioid}
        circuit.send(pack(WRITE_NOTIFY, bytes(8), **header))
        assert begun.acquire(timeout=10)
        driver.callbackPV("A")
        circuit.expect(WRITE_NOTIFY, p1=NORMAL, p2=ioid)


def test_a_pv_is_scanned_until_it_is_replaced_or_removed(server):
    class Scanned(SimplePV):
        __slots__ = ("reads",)

        def scan(self):
            self.reads.release()

    Driver()
    pvs = [Scanned(f"M:{n}", PVInfo({"scan": 0.001}, "A", f"M:{n}")) for n in range(2)]
    for pv in pvs:
        pv.reads = threading.Semaphore(0)
        manager.pvs.setdefault("default", {})["A"] = pv
        assert pv.reads.acquire(timeout=20)
    assert not_read_any_more(pvs[0].reads, pvs[1].reads)
    del manager.pvs["default"]["A"]
    server.createPV("M:", {"B": {}})
    manager.pvs["default"]["B"] = last = Scanned(
        "M:B", PVInfo({"scan": 0.001}, "B", "M:B")
    )
    last.reads = threading.Semaphore(0)
    assert not_read_any_more(pvs[1].reads, last.reads)


def test_a_pv_that_is_made_anew_is_scanned_as_that_one_says(server):
    class Counting(Driver):
        def __init__(self):
            self.reads = {reason: threading.Semaphore(0) for reason in "AB"}
            super().__init__()

        def read(self, reason):
            self.reads[reason].release()
            return 0

    server.createPV("M:", {"A": {"scan": 0.001}, "B": {"scan": 0.001}})
    driver = Counting()
    assert driver.reads["A"].acquire(timeout=20)
    old = manager.pvf["M:A"]
    server.createPV("M:", {"A": {}})
    assert not_read_any_more(driver.reads["A"], driver.reads["B"])
    assert not is_scanned(driver, old)


def test_a_pv_with_another_name_for_its_reason_is_scanned_while_it_has_that_name(
    server,
):
    for prefix in "M1:", "M2:":
        server.createPV(prefix, {"A": {"scan": 1000}})
    driver = Driver()
    one, other = manager.pvf["M1:A"], manager.pvf["M2:A"]
    assert is_scanned(driver, one)
    del manager.pvf["M1:A"]
    assert not is_scanned(driver, one)
    assert is_scanned(driver, other)


def is_scanned(driver, pv):
    """Whether the scanner has it, though there may be nothing that it reads."""
    return pv in driver.pvDB.registry.scanner._period_of


def not_read_any_more(reads, others):
    """Whether one misses the turns of the other, but for one that had begun."""
    for _ in range(2):
        assert others.acquire(timeout=20)
    while reads.acquire(blocking=False):
        pass
    for _ in range(5):
        assert others.acquire(timeout=20)
    return not reads.acquire(blocking=False)


@pytest.mark.parametrize("how", ["replaced", "removed"])
def test_data_that_was_put_away_serves_nobody(server, circuit, how):
    server.createPV("M:", {"A": {"value": 1}})
    driver = Driver()
    channel = circuit.create("M:A")
    old = driver.pvDB["A"]
    if how == "replaced":
        new = Data()
        new.value = 2
        driver.pvDB["A"] = new
    else:
        del driver.pvDB["A"]
    assert old.handle is None
    subid, _ = circuit.subscribe(channel, DOUBLE)
    old.set(3)
    old.post()
    if how == "replaced":
        driver.setParam("A", 4)
        driver.updatePVs()
        assert number(next(circuit.updates(subid))) == 4
        assert number(circuit.get(channel, DOUBLE)) == 4


def test_no_name_keeps_a_data_that_was_put_away(server, circuit):
    for prefix in "M1:", "M2:":
        server.createPV(prefix, {"A": {}})
    driver = Driver()
    pvs = [manager.pvf[name] for name in ("M1:A", "M2:A")]
    old = driver.pvDB["A"]
    assert [data_of(pv) is old for pv in pvs] == [True, True]
    del driver.pvDB["A"]
    assert [data_of(pv) for pv in pvs] == [None, None]
    for name in "M1:A", "M2:A":
        assert circuit.put(circuit.create(name), DOUBLE, bytes(8)).p1 == PUTFAIL
