"""Puts that a rule with TRAPWRITE allows, and those that rules forbid."""

import json

from support.access import ALL, AccessTarget, put_status, with_rights
from support.targets import OURS

ECA_NORMAL, ECA_NOWTACCESS = 1, 376


def put_all(server):
    with server.circuit(user="mary", host="desk") as circuit:
        trapped = circuit.create(server.pv("OPEN"))
        plain = circuit.create(server.pv("FILL"))
        readonly = circuit.create(server.pv("READONLY"))
        with_rights(circuit, plain, ALL)
        assert put_status(circuit, trapped) == ECA_NORMAL
        assert put_status(circuit, plain) == ECA_NORMAL
        assert put_status(circuit, readonly) == ECA_NOWTACCESS
        puts, _ = server.child.ask(do="logged")
        assert len(puts) == 1  # the logger of trapped puts has its line
    return [server.pv(name) for name in ("OPEN", "FILL", "READONLY")]


def logged(tmp_path, monkeypatch, options):
    path = tmp_path / "puts.log"
    monkeypatch.setenv("PCASPY_PUT_LOG", f"{path},burst=0{options}")
    server = AccessTarget(OURS)
    try:
        names = put_all(server)
    finally:
        server.stop()
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    assert {line["user"] for line in lines} == {"mary"}
    return names, [(line["pv"], line["new"], line["outcome"]) for line in lines]


def test_only_those(tmp_path, monkeypatch):
    names, found = logged(tmp_path, monkeypatch, ",which=trapwrite")
    assert found == [(names[0], 7, "accepted")]


def test_all(tmp_path, monkeypatch):
    names, found = logged(tmp_path, monkeypatch, "")
    outcomes = ("accepted", "accepted", "no-access")
    assert found == [
        (name, 7, outcome) for name, outcome in zip(names, outcomes, strict=True)
    ]
