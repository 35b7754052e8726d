"""The message that a driver gives to an alarm, as clients of PVAccess see it."""

import pytest

MESSAGE = "no answer for 10 s: \N{GREEK SMALL LETTER ALPHA}"


def alarm_of(event):
    return event["fields"].get("alarm.message"), event["fields"].get("alarm.severity")


def told(client, subscription):
    (event,) = client.events(subscription, 1)
    return alarm_of(event)


@pytest.mark.parametrize("name", ["DOUBLE", "STRING", "ENUM", "W:DOUBLE"])
def test_a_message_lives_as_long_as_its_alarm(client, server, name):
    values = {"STRING": ["a", "b"], "ENUM": [0, 0], "W:DOUBLE": [[1], [2]]}
    first, second = values.get(name, [1, 2])
    server.ask("post", name=name, value=first)
    subscription = client.monitor(name)
    assert alarm_of(client.connected(subscription)) == ("", 0)
    comm = {"name": name, "alarm": "COMM_ALARM", "severity": "INVALID_ALARM"}
    server.ask("alarm", **comm, message=MESSAGE)
    assert told(client, subscription) == (MESSAGE, 3)
    assert alarm_of(client.get(name)) == (MESSAGE, 3)
    # What else changes of the PV does not end it.
    if name == "DOUBLE":
        server.ask("info", name=name, info={"desc": "another"})
        assert alarm_of(client.get(name))[0] in (MESSAGE, "")
        server.ask("alarm", **comm, message=MESSAGE)
        client.cancel(subscription)
        subscription = client.monitor(name)
        client.connected(subscription)
    server.ask("alarm", **comm, message="another")
    assert told(client, subscription) == ("another", 3)
    server.ask("alarm", **comm)
    assert told(client, subscription) == ("COMM", 3)
    server.ask("alarm", **comm, message=MESSAGE)
    assert told(client, subscription) == (MESSAGE, 3)
    server.ask("post", name=name, value=second)
    assert told(client, subscription) == ("", 0)
    assert alarm_of(client.get(name)) == ("", 0)
    client.cancel(subscription)
