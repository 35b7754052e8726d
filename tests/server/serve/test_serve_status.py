"""`pcaspy serve --status PREFIX`."""

import json

import pytest


def write(file, name, **pvs):
    return file(name, json.dumps({"prefix": "P:", "pvdb": pvs}))


def test_status_pvs(file, serve, client):
    path = write(file, "p.json", A={"value": 1})
    serve(path, "--status", "P:IOC:")
    assert client.value("P:A") == 1
    first = client.value("P:IOC:HEARTBEAT")
    client.monitor("P:IOC:HEARTBEAT")
    client.next_update("P:IOC:HEARTBEAT", lambda update: update["value"] > first)
    assert client.put("P:IOC:ACCESS", "Test") == 1
    assert client.value("P:IOC:ACCESS") == 2


@pytest.mark.parametrize("entry", [{}, {"alias": "UPTIME"}])
def test_a_name_that_the_file_has(file, run, entry):
    name = "OTHER" if entry else "UPTIME"
    status, _, err = run("serve", write(file, "p.json", **{name: entry}), "--status=P:")
    assert status == 1
    assert "P:UPTIME" in err
    assert "Traceback" not in err


@pytest.mark.parametrize("entry", [{}, {"alias": "UPTIME"}])
def test_a_name_that_the_file_gets(file, serve, client, entry):
    path = write(file, "p.json", A={"value": 1})
    command = serve(path, "--status", "P:", "--reload")
    name = "OTHER" if entry else "UPTIME"
    write(file, "p.json", A={"value": 2}, **{name: entry})
    command.line_with(command.err, "not reloaded")
    assert "P:UPTIME" in command.line_with(command.err, "status PV")
    assert client.value("P:A") == 1
    assert ":" in client.value("P:UPTIME")
    write(file, "p.json", A={"value": 1}, B={"value": 3})
    command.line_with(command.err, "reloaded")
    assert client.value("P:B") == 3
