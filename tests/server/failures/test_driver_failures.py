"""What goes wrong in a Driver fails that request and nothing else."""

import pytest

from support.epics_client import ECA_GETFAIL, ECA_NORMAL, ECA_PUTFAIL, EpicsClient

READ, WRITE, INVALID = 1, 2, 3
DBE_ALARM = 4


def alarm(client, name):
    found = client.get(name, form="time")
    return found["status"], found["severity"]


@pytest.mark.parametrize("reason", ["READ_RAISES", "READ_NONE", "READ_WRONG"])
def test_read_fails(server, client, reason):
    client.monitor(f"FAIL:{reason}", events=DBE_ALARM)
    assert client.get(f"FAIL:{reason}") == {"errorcode": ECA_GETFAIL}
    server.wait_for_log(reason)
    assert client.get(f"FAIL:{reason}") == {"errorcode": ECA_GETFAIL}


def test_read_raises_sets_the_alarm_and_logs_the_traceback(server, client):
    client.monitor("FAIL:READ_RAISES", events=DBE_ALARM)
    client.get("FAIL:READ_RAISES")
    update = client.next_update("FAIL:READ_RAISES", lambda u: u.get("status") == READ)
    assert update["severity"] == INVALID
    log = server.wait_for_log("FAIL:READ_RAISES", "RuntimeError: no READ_RAISES today")
    assert "Traceback" in log


def test_read_of_text_for_a_number(server, client):
    assert client.value("FAIL:READ_TEXT") == 7.25


@pytest.mark.parametrize("reason", ["WRITE_RAISES", "WRITE_FALSE", "ASYN_RAISES"])
def test_write_fails(server, client, reason):
    client.monitor(f"FAIL:{reason}", events=DBE_ALARM)
    client.updates(f"FAIL:{reason}")
    assert client.put(f"FAIL:{reason}", 9) == ECA_PUTFAIL
    update = client.updates(f"FAIL:{reason}")[0]
    assert (update["value"], update["status"], update["severity"]) == (
        3,
        WRITE,
        INVALID,
    )
    assert alarm(client, f"FAIL:{reason}") == (WRITE, INVALID)
    assert client.value(f"FAIL:{reason}") == 3
    assert client.put(f"FAIL:{reason}", 9) == ECA_PUTFAIL
    server.wait_for_log(f"FAIL:{reason}")


def test_plain_put_that_raises(server, client):
    assert client.put("FAIL:WRITE_RAISES", 9, wait=False) == ECA_NORMAL
    server.wait_for_log("FAIL:WRITE_RAISES", "RuntimeError")
    assert client.value("FAIL:WRITE_RAISES") == 3


def test_scan_read_that_raises(server, client):
    server.wait_for_log("FAIL:SCAN_RAISES", "RuntimeError")
    client.monitor("FAIL:SCANNED")
    values = [update["value"] for update in client.updates("FAIL:SCANNED", count=4)]
    assert values == sorted(set(values))
    assert alarm_of_scan(client) == (READ, INVALID)


def alarm_of_scan(client):
    client.monitor("FAIL:SCAN_RAISES", events=DBE_ALARM)
    update = client.updates("FAIL:SCAN_RAISES")[0]
    return update["status"], update["severity"]


def test_scan_is_changed_while_it_runs(server, client):
    client.monitor("FAIL:SCAN_CHANGED")
    client.updates("FAIL:SCAN_CHANGED")
    server.ask(command="info", reason="SCAN_CHANGED", scan=0.05)
    client.updates("FAIL:SCAN_CHANGED", count=5)
    server.ask(command="info", reason="SCAN_CHANGED", scan=0)
    before = server.ask(command="getParam", reason="SCAN_CHANGED")
    server.ask(command="info", reason="SCAN_CHANGED", scan=0.05)
    client.next_update("FAIL:SCAN_CHANGED", lambda u: u["value"] > before)


def test_pv_without_a_driver(server, client):
    client.connect("FAIL:ORPHAN")
    assert client.put("FAIL:ORPHAN", 1) == ECA_PUTFAIL
    server.wait_for_log("FAIL:ORPHAN")


def test_put_to_a_char_of_count_one(server, client):
    assert client.put("FAIL:CHAR", 65) == ECA_NORMAL
    assert client.value("FAIL:CHAR") == 65


def test_string_put_to_a_char_array(server, client):
    assert client.put("FAIL:TEXT", "as a string", datatype="string") == ECA_NORMAL
    assert client.text("FAIL:TEXT") == "as a string"


def test_unknown_label(server, client):
    assert client.put("FAIL:LABEL", "MAYBE") == ECA_PUTFAIL
    assert client.put("FAIL:LABEL", "ON") == ECA_NORMAL
    assert client.value("FAIL:LABEL") == 1


def test_a_client_that_is_gone_before_its_answer(server, client):
    for _ in range(3):
        with EpicsClient(server.port) as other:
            other.connect("FAIL:WRITE_RAISES")
            other.start_put("FAIL:WRITE_RAISES", 1)
    assert client.put("FAIL:NUMBER", 0.5) == ECA_NORMAL
