"""Puts as the driver meets them, and when the client is answered."""

import pytest

PLAIN, BLOCK = "field()", "record[block=true]field()"


@pytest.fixture(autouse=True)
def nothing_held(server):
    """What a test has the driver wait for goes on, also where the test failed."""
    yield
    server.ask("let_go_on")
    server.ask("written")


@pytest.mark.parametrize("request_", [PLAIN, "record[process=true]", None])
def test_a_plain_put_is_answered_when_write_has_returned(client, server, request_):
    server.ask("let_go_on", on=False)
    number = client.begin_put("BLOCKS", 1, request_)
    assert server.ask("wait_until_blocked")
    assert client.end_put(number, 0.1) == ["waits"]
    server.ask("let_go_on")
    assert client.end_put(number) == ["done", None]


@pytest.mark.parametrize("name", ["ASYNC", "LATER"])
def test_a_plain_put_does_not_wait_for_completion(client, server, name):
    server.ask("let_go_on", on=False)
    assert client.put(name, 11, PLAIN, first=False) is None
    server.ask("let_go_on")
    server.ask("complete", name=name)


@pytest.mark.parametrize("name", ["ASYNC", "LATER"])
def test_a_blocking_put_waits_for_completion(client, server, name):
    """The update comes ahead of the answer."""
    server.ask("let_go_on", on=False)
    subscription = client.monitor(name)
    client.connected(subscription)
    number = client.begin_put(name, 21, BLOCK)
    assert client.end_put(number, 0.2) == ["waits"]
    if name == "ASYNC":
        server.ask("complete", name=name)
    else:
        server.ask("let_go_on")
    assert client.end_put(number) == ["done", None]
    assert client.until(subscription, 21)[-1] == 21
    client.cancel(subscription)


def test_blocking_puts_take_turns(client, server):
    """The second begins when the first is completed; each gets its own answer."""
    server.ask("written")
    first = client.begin_put("ASYNC", 31, BLOCK)
    second = client.begin_put("ASYNC", 32, BLOCK)
    assert client.end_put(first, 0.2) == client.end_put(second, 0.2) == ["waits"]
    (begun,) = server.ask("written")
    server.ask("complete", name="ASYNC")
    order = [first, second] if begun[1] == 31 else [second, first]
    assert client.end_put(order[0]) == ["done", None]
    while not server.ask("written"):
        pass
    assert client.end_put(order[1], 0.1) == ["waits"]
    server.ask("complete", name="ASYNC")
    assert client.end_put(order[1]) == ["done", None]


def test_a_put_that_waits_outlives_no_client(client, server):
    """Its request is completed later; nothing is left of it."""
    number = client.begin_put("ASYNC", 41, BLOCK)
    while not server.ask("written"):
        pass
    assert client.end_put(number, 0.0) == ["waits"]
    client.ask("close")
    server.ask("complete", name="ASYNC")
    while server.stats()["pva_requests_open"]:
        pass
    assert client.put("ASYNC", 42, PLAIN) is None
    server.ask("complete", name="ASYNC")


def test_process_false_writes_and_warns_once(client, server):
    said = "process=false has no effect"
    for value in (1, 2):
        assert client.put("PLAIN", value, "record[process=false]") is None
        assert client.value("PLAIN") == value
    while said not in client.child.stderr():
        client.value("PLAIN")
    assert client.child.stderr().count(said) == 1


@pytest.mark.parametrize("request_", [PLAIN, BLOCK])
@pytest.mark.parametrize("name", ["REFUSES", "RAISES", "RAISES:LATER"])
def test_a_driver_that_fails(client, server, name, request_):
    """The text of its exception is none of the client's business."""
    if (name, request_) == ("RAISES:LATER", PLAIN):
        assert client.put(name, 5, request_, first=False) is None  # not known yet
        return
    error = client.put(name, 5, request_, first=False)
    assert error == "RemoteError: refused by the driver"


def test_a_put_reaches_the_driver_once_and_in_its_type(client, server):
    server.ask("written")
    puts = {
        "DOUBLE": 2.5,
        "LONG": -7,
        "SHORT": -8,
        "CHAR": "\udcc8",
        "ENUM": {"value.index": 2},
        "STRING": "grüße",
        "W:DOUBLE": [1.5, 2.5],
        "W:LONG": [1, -2],
        "W:STRING": ["a", "", "ü"],
    }
    for name, value in puts.items():
        # A driver gets a character as text, as over Channel Access.
        put = 200 if name == "CHAR" else value
        assert client.put(name, put) is None
    written = [
        [name, value["value.index"] if isinstance(value, dict) else value]
        for name, value in puts.items()
    ]
    assert server.ask("written") == written
    for name, value in puts.items():
        if name not in ("CHAR", "ENUM"):
            assert client.value(name) == value


def test_gets_of_a_driver_that_reads(client, server):
    one, two = client.value("READ"), client.value("READ")
    assert two == one + 1
    subscription = client.monitor("READ")
    assert client.connected(subscription)["fields"]["value"] == two + 1
    server.ask("post", name="READ", value=-5)
    assert client.until(subscription, -5)
    client.cancel(subscription)


def test_a_driver_that_cannot_read(client):
    """Gets fail; a monitor starts with what the PV had."""
    assert "the driver could not read the value" in client.get("UNREADABLE")["error"]
    subscription = client.monitor("UNREADABLE")
    assert "value" in client.connected(subscription)["fields"]
    client.cancel(subscription)


def test_a_small_queue_is_warned_of(client):
    for request, warned in [("record[queueSize=1]", True), ("field()", False)]:
        before = client.child.stderr().count("queueSize is less than 2")
        subscription = client.monitor("PLAIN", request)
        client.connected(subscription)
        client.cancel(subscription)
        assert (
            client.child.stderr().count("queueSize is less than 2") == before + warned
        )


def test_no_warning_of_a_large_queue(client):
    before = client.child.stderr().count("queueSize is less than 2")
    subscription = client.monitor("PLAIN", "record[queueSize=4000000000]")
    client.connected(subscription)
    client.cancel(subscription)
    assert client.child.stderr().count("queueSize is less than 2") == before


@pytest.mark.parametrize("request_", ["record[queueSize=10]", None])
def test_many_posts_end_with_the_last(client, server, request_):
    """In order, and none twice, whatever is left out."""
    server.ask("post", name="COUNTER", value=0)
    subscription = client.monitor("COUNTER", request_)
    client.connected(subscription)
    server.ask("count", names=["COUNTER"], first=1, last=3000)
    values = client.until(subscription, 3000)
    assert values == sorted(set(values))
    client.cancel(subscription)


def test_a_pipelined_monitor(client, server):
    """Each update is acknowledged, and the next one comes."""
    server.ask("post", name="COUNTER", value=0)
    request = "record[pipeline=true,queueSize=4]"
    subscription = client.monitor("COUNTER", request)
    client.connected(subscription)
    for value in range(1, 30):
        server.ask("post", name="COUNTER", value=value)
        assert client.until(subscription, value) == [value]
    client.cancel(subscription)


def test_property_events(client, server):
    """Only the properties are marked; the new ones are in gets, too."""
    server.ask("post", name="AI", value=1.5)
    subscription = client.monitor("AI")
    client.connected(subscription)
    server.ask("info", name="AI", info={"unit": "kV", "prec": 4, "hilim": 99})
    (event,) = client.events(subscription, 1)
    assert "value" not in event["marked"]
    assert "timeStamp.nanoseconds" not in event["marked"]
    expected = {
        "display.units": "kV",
        "display.precision": 4,
        "display.limitHigh": 99,
    }
    assert expected.items() <= event["fields"].items()
    assert expected.items() <= client.get("AI")["fields"].items()
    server.ask("post", name="AI", value=2.5)
    (event,) = client.events(subscription, 1)
    assert event["fields"]["value"] == 2.5
    assert "display.units" not in event["marked"]
    client.cancel(subscription)


def test_new_choices(client, server):
    subscription = client.monitor("MBBI")
    client.connected(subscription)
    server.ask("enums", name="MBBI", enums=["x", "y", "z"], states=[0, 0, 1])
    (event,) = client.events(subscription, 1)
    assert event["fields"]["value.choices"] == ["x", "y", "z"]
    assert "value.index" not in event["marked"]
    assert client.put("MBBI", {"value.index": 2}) is None
    (event,) = client.events(subscription, 1)
    assert event["fields"]["value.index"] == 2
    assert event["fields"]["alarm.severity"] == 1
    client.cancel(subscription)


@pytest.mark.parametrize(
    ("mask", "expected"),
    [("1", [1]), ("4", ["alarm"]), ("8", ["property"]), ("13", "all"), ("2", [1])],
)
def test_masks(client, server, mask, expected):
    """Numbers as over Channel Access: 1 value, 2 archive, 4 alarm, 8 property."""
    server.ask("post", name="N19", value=0)
    server.ask("alarm", name="N19", alarm="NO_ALARM", severity="NO_ALARM")
    subscription = client.monitor("N19", f"record[queueSize=100,DBE={mask}]")
    client.connected(subscription)
    server.ask("post", name="N19", value=1)
    server.ask("alarm", name="N19", alarm="HIGH_ALARM", severity="MINOR_ALARM")
    server.ask("info", name="N19", info={"unit": f"u{mask}"})
    server.ask("post", name="N19", value=2)
    server.ask("alarm", name="N19", alarm="HIHI_ALARM", severity="MAJOR_ALARM")
    server.ask("info", name="N19", info={"unit": f"v{mask}"})
    if expected == "all":
        events = client.events(subscription, 6)
        assert [e["fields"]["value"] for e in events if "value" in e["fields"]]
    elif expected == [1]:
        assert client.until(subscription, 2) == [1, 2]
    elif expected == ["alarm"]:
        severities = [
            event["fields"]["alarm.severity"]
            for event in client.events(subscription, 3)
        ]
        assert severities == [1, 0, 2]
    else:
        events = client.events(subscription, 2)
        assert [e["fields"]["display.units"] for e in events] == ["u8", "v8"]
        assert not any("value" in event["marked"] for event in events)
    client.cancel(subscription)


def test_nothing_is_left(client, server):
    """Behind all others of this file."""
    client.ask("close")
    counters = ["pva_channels", "pva_subscriptions", "pva_requests_open"]
    while any(server.stats()[name] for name in counters):
        pass
    while server.ask("instances")["Request"]:
        pass
