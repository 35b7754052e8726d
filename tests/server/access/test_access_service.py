"""Loading rules, bad files, unknown groups, logged puts, and who wrote."""

from __future__ import annotations

import subprocess
import sys

import pytest

from support import dbr
from support.access import (
    ALL,
    NONE,
    READ,
    RULES,
    SEVEN,
    put_status,
    told_rights,
    with_rights,
)
from support.targets import SERVERS
from support.wire import (
    ACCESS_RIGHTS,
    CLIENT_NAME,
    ECA_NORDACCESS,
    ECA_NORMAL,
    ECA_NOWTACCESS,
    EVENT_ADD,
    create_request,
    event_request,
    pack,
    text,
)


def acf(tmp_path, rules, name="rules.acf"):
    """A file with these rules."""
    path = tmp_path / name
    path.write_text(rules)
    return str(path)


def test_a_group_that_the_file_does_not_have_gives_no_access(ours):
    with ours.circuit() as circuit:
        assert circuit.create(ours.pv("UNKNOWN")).rights == NONE


def test_rules_loaded_while_clients_are_connected_reach_them(start):
    server = start(None)
    with server.circuit() as circuit:
        channel = circuit.create(server.pv("READONLY"))
        unknown = circuit.create(server.pv("UNKNOWN"))
        assert (channel.rights, unknown.rights) == (ALL, ALL)
        subid, _ = circuit.subscribe(unknown, dbr.LONG)
        assert server.child.ask(do="load", path=str(RULES)) is None
        told = {}
        while len(told) < 3:
            message = circuit.receive()
            key = (
                message.command,
                message.p1 if message.command != EVENT_ADD else subid,
            )
            told[key] = message.p2
        assert told[ACCESS_RIGHTS, channel.cid] == READ
        assert told[ACCESS_RIGHTS, unknown.cid] == NONE
        assert circuit.put(channel, dbr.LONG, SEVEN).p1 == ECA_NOWTACCESS


def test_after_a_load_no_put_is_judged_by_the_old_rules(start, tmp_path):
    server = start(None)
    opened = acf(tmp_path, "ASG(DEFAULT) { RULE(1, WRITE) }", "open.acf")
    closed = acf(tmp_path, "ASG(DEFAULT) { RULE(1, READ) }", "closed.acf")
    with server.circuit() as circuit:
        channel = circuit.create(server.pv("OPEN"))
        for _ in range(20):
            server.child.ask(do="load", path=closed)
            assert put_status(circuit, channel) == ECA_NOWTACCESS
            server.child.ask(do="load", path=opened)
            assert put_status(circuit, channel) == ECA_NORMAL


def test_a_reload_tells_the_clients_whose_rights_change(start, tmp_path):
    first = acf(
        tmp_path, "ASG(DEFAULT) { RULE(1, WRITE) }\nASG(fill) { RULE(1, READ) }"
    )
    server = start(first)
    with server.circuit() as circuit:
        fill = circuit.create(server.pv("FILL"))
        closed = circuit.create(server.pv("CLOSED"))
        assert (fill.rights, closed.rights) == (READ, NONE)
        acf(tmp_path, "ASG(DEFAULT)\nASG(fill) { RULE(1, WRITE) }")
        assert server.child.ask(do="load", path=first) is None
        circuit.expect(ACCESS_RIGHTS, p1=fill.cid, p2=ALL)
        acf(tmp_path, "ASG(DEFAULT) { RULE(1, WRITE) }\nASG(closed) { RULE(1, WRITE) }")
        assert server.child.ask(do="load", path=first) is None
        told = [circuit.expect(ACCESS_RIGHTS) for _ in range(2)]
        assert {m.p1: m.p2 for m in told} == {fill.cid: NONE, closed.cid: ALL}


def test_a_reload_of_the_same_rules_tells_nobody(start, tmp_path):
    path = acf(tmp_path, "ASG(DEFAULT) { RULE(1, READ) }\nASG(fill)")
    server = start(path)
    with server.circuit() as circuit:
        channels = [circuit.create(server.pv(name)) for name in ("OPEN", "FILL")]
        assert [channel.rights for channel in channels] == [READ, NONE]
        assert server.child.ask(do="load", path=path) is None
        # Only what changes is told, and that comes ahead.
        acf(tmp_path, "ASG(DEFAULT) { RULE(1, READ) }\nASG(fill) { RULE(1, READ) }")
        assert server.child.ask(do="load", path=path) is None
        circuit.expect(ACCESS_RIGHTS, p1=channels[1].cid, p2=READ)
        assert circuit.drain() == []


def test_a_reload_connects_the_inputs_again(start):
    server = start()
    with server.circuit() as circuit:
        fill = circuit.create(server.pv("FILL"))
        with_rights(circuit, fill, ALL)
        for level, rights in ((7, READ), (2, ALL)):
            server.child.ask(do="load", path=str(RULES))
            server.child.ask(do="post", name="LEVEL", value=level)
            told_rights(circuit, fill, rights)


def test_rules_may_be_loaded_when_the_server_serves_already(start):
    server = start(RULES, "late")
    with server.circuit() as circuit:
        with_rights(circuit, circuit.create(server.pv("FILL")), ALL)


def test_stopped_inputs_take_the_rights_that_depend_on_them(start):
    server = start()
    with server.circuit() as circuit:
        fill = circuit.create(server.pv("FILL"))
        with_rights(circuit, fill, ALL)
        server.child.ask(do="stop_inputs")
        server.child.ask(do="load", path=str(RULES))
        told_rights(circuit, fill, READ)
        server.child.ask(do="start_inputs")
        told_rights(circuit, fill, ALL)


@pytest.mark.parametrize(
    ("rules", "said"),
    [
        ("", ":1: syntax error at the end of the file: is a '}' missing?"),
        (
            "ASG(DEFAULT) {\n RULE(1, READ)\n",
            ":3: syntax error at the end of the file: is a '}' missing?",
        ),
        (
            "ASG(DEFAULT) {\n RULE(1, READ)\n RULE(1 WRITE)\n}\n",
            ":3: syntax error: RULE(1 WRITE)",
        ),
        (
            "ASG(D) {\n RULE(1, WRITE) { UAG(nobody) }\n}",
            ":2: No User Access Group named 'nobody' defined",
        ),
        (
            'ASG(D) {\n INPA(X)\n RULE(1, WRITE) { CALC("A<") }\n}',
            ":3: Incomplete expression, operand missing in CALC expression 'A<'",
        ),
        ("ASG(D) {\n INPA($(Q)X)\n}", ":2: a macro is not defined: INPA($(Q)X)"),
    ],
)
def test_a_bad_file_is_an_error_and_the_old_rules_stay(ours, tmp_path, rules, said):
    path = acf(tmp_path, rules)
    with ours.circuit() as circuit:
        before = circuit.create(ours.pv("READONLY"))
        assert ours.child.ask(do="load", path=path) == ["ValueError", path + said]
        assert circuit.create(ours.pv("READONLY")).rights == before.rights == READ
        assert circuit.create(ours.pv("CLOSED")).rights == NONE


def test_macros_may_have_any_text(start, tmp_path):
    path = acf(tmp_path, "UAG(ops) {$(OPS)}\nASG(DEFAULT) { RULE(1, READ) {UAG(ops)} }")
    server = start(None)
    assert server.child.ask(do="load", path=path, OPS='joe,"sue"') is None
    for user, rights in (("joe", READ), ("sue", READ), ("eve", NONE)):
        with server.circuit(user=user) as circuit:
            assert circuit.create(server.pv("OPEN")).rights == rights


def test_a_file_that_is_not_there(ours, tmp_path):
    kind, said = ours.child.ask(do="load", path=str(tmp_path / "nothing.acf"))
    assert kind == "FileNotFoundError"
    assert "nothing.acf" in said


def test_what_the_parser_passes_over_is_logged(start, tmp_path):
    server = start(None)
    path = acf(tmp_path, "ASG(DEFAULT) {\n RULE(1, RPC)\n RULE(1, READ)\n}")
    assert server.child.ask(do="load", path=path) is None
    _, warnings = server.child.ask(do="logged")
    assert len(warnings) == 1
    assert warnings[0].startswith(f"{path}:2: Ignoring RULE")


def test_clients_by_address(start, tmp_path):
    rules = acf(
        tmp_path,
        "HAG(here) {127.0.0.1}\nHAG(desk) {desk}\n"
        "ASG(DEFAULT) { RULE(1, READ) {HAG(here)} }\n"
        "ASG(fill) { RULE(1, WRITE) {HAG(desk)} }",
    )
    server = start(None)
    with server.circuit(host="desk") as circuit:
        channels = [circuit.create(server.pv(name)) for name in ("OPEN", "FILL")]
        server.child.ask(do="load", path=rules)
        circuit.expect(ACCESS_RIGHTS, p1=channels[0].cid, p2=NONE)
        server.child.ask(do="load", path=rules, by_address=True)
        told = [circuit.expect(ACCESS_RIGHTS) for _ in range(2)]
        assert {m.p1: m.p2 for m in told} == {
            channels[0].cid: READ,
            channels[1].cid: NONE,
        }


def test_a_refused_file_changes_nothing_about_hosts(start, tmp_path):
    rules = acf(
        tmp_path, "HAG(desk) {desk}\nASG(DEFAULT) { RULE(1, READ) {HAG(desk)} }"
    )
    broken = acf(tmp_path, "ASG(DEFAULT) {", "broken.acf")
    server = start(None)
    assert server.child.ask(do="load", path=rules) is None
    refused = server.child.ask(do="load", path=broken, by_address=True)
    assert refused[0] == "ValueError"
    for host, rights in (("desk", READ), ("127.0.0.1", NONE)):
        with server.circuit(host=host) as circuit:
            assert circuit.create(server.pv("OPEN")).rights == rights


def test_a_pv_moves_to_another_group(start):
    server = start()
    with server.circuit() as circuit:
        channel = circuit.create(server.pv("OPEN"))
        for group, rights in (("closed", NONE), ("readonly", READ), ("nope", NONE)):
            server.child.ask(do="group", name="OPEN", group=group)
            circuit.expect(ACCESS_RIGHTS, p1=channel.cid, p2=rights)
        server.child.ask(do="group", name="OPEN", group="")
        circuit.expect(ACCESS_RIGHTS, p1=channel.cid, p2=ALL)


def test_writes_that_a_rule_traps_are_logged(start):
    server = start()
    with server.circuit(user="mary", host="desk") as circuit:
        address = "{}:{}".format(*circuit.socket.getsockname())
        trapped = circuit.create(server.pv("OPEN"))
        plain = circuit.create(server.pv("FILL"))
        with_rights(circuit, plain, ALL)
        assert put_status(circuit, trapped) == ECA_NORMAL
        assert put_status(circuit, plain) == ECA_NORMAL
        puts, _ = server.child.ask(do="logged")
        assert puts == [f"{server.pv('OPEN')}: mary@desk ({address}) old=0 new=7"]


def test_acknowledgement_needs_the_right_to_write(start):
    server = start()
    one = b"\0\1"
    with server.circuit(user="mary", host="desk") as circuit:
        address = "{}:{}".format(*circuit.socket.getsockname())
        trapped = circuit.create(server.pv("OPEN"))
        plain = circuit.create(server.pv("FILL"))
        readonly = circuit.create(server.pv("READONLY"))
        with_rights(circuit, plain, ALL)
        for type in (dbr.PUT_ACKT, dbr.PUT_ACKS):
            assert circuit.put(readonly, type, one).p1 == ECA_NOWTACCESS
            assert circuit.put(plain, type, one).p1 == ECA_NORMAL
            assert circuit.put(trapped, type, one).p1 == ECA_NORMAL
        puts, _ = server.child.ask(do="logged")
        who = f"{server.pv('OPEN')}: mary@desk ({address})"
        assert puts == [f"{who} ACKT=1", f"{who} ACKS=1"]


@pytest.mark.parametrize("name", ["OPEN", "FILL", "ASYNC"])
def test_the_driver_can_ask_who_writes(start, name):
    server = start(None)
    with server.circuit(user="mary", host="desk") as circuit:
        address = "{}:{}".format(*circuit.socket.getsockname())
        channel = circuit.create(server.pv(name))
        assert circuit.put(channel, dbr.LONG, SEVEN).p1 == ECA_NORMAL
        assert server.child.ask(do="clients") == [["mary", "desk", address]]
        assert server.child.ask(do="outside") is None


def test_the_driver_can_ask_who_reads(start):
    server = start(None)
    with server.circuit(user="mary", host="desk") as circuit:
        address = "{}:{}".format(*circuit.socket.getsockname())
        channel = circuit.create(server.pv("READ"))
        assert circuit.get(channel, dbr.LONG).p1 == ECA_NORMAL
        assert server.child.ask(do="clients") == [["mary", "desk", address]]


def test_names_that_come_too_late_change_nothing(ours):
    with ours.circuit(user="nobody") as circuit:
        assert circuit.create(ours.pv("OPERATORS")).rights == READ
        circuit.send(pack(CLIENT_NAME, text("olga")))
        assert circuit.create(ours.pv("OPERATORS")).rights == READ


def test_clients_that_come_and_go_while_rules_change(start):
    server = start()
    for turn in range(30):
        with server.circuit() as circuit:
            for name in ("FILL", "HIDDEN", "READONLY", "UNKNOWN"):
                circuit.send(create_request(server.pv(name), circuit.new_id()))
            server.child.ask(do="post", name="LEVEL", value=9 if turn % 2 else 1)
            if turn % 5 == 0:
                server.child.ask(do="load", path=str(RULES))
    with server.circuit() as circuit:
        server.child.ask(do="post", name="LEVEL", value=1)
        with_rights(circuit, circuit.create(server.pv("FILL")), ALL)


def test_a_client_library_shows_the_rights(start):
    server = start()
    code = (
        "import asyncio, sys\nfrom aioca import cainfo\n"
        "async def main():\n"
        "    info = await cainfo(sys.argv[1])\n"
        "    print(info.read, info.write)\n"
        "asyncio.run(main())\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, server.pv("READONLY")],
        env=server.client_environment(),
        capture_output=True,
        text=True,
        timeout=30,
        check=True,
    )
    assert done.stdout.split() == ["True", "False"]


def test_a_forked_child_neither_hangs_nor_disturbs_its_parent():
    done = subprocess.run(
        [sys.executable, str(SERVERS / "access_fork.py"), str(RULES)],
        capture_output=True,
        text=True,
        timeout=90,
        check=False,
    )
    assert done.stdout.split("\n")[:2] == ["[7, 7, 7, 7]", "parent True"], done.stderr
    assert done.returncode == 0


@pytest.mark.parametrize("listed", [None, "127.0.0.1"])
def test_a_program_that_ends_with_inputs_connected_ends_quietly(listed, monkeypatch):
    if listed is None:
        monkeypatch.delenv("EPICS_CA_ADDR_LIST", raising=False)
    else:
        monkeypatch.setenv("EPICS_CA_ADDR_LIST", listed)
    code = (
        "import os, sys, pcaspy\nfrom pcaspy.testing import IsolatedServer\n"
        "server = IsolatedServer()\n"
        "server.createPV('T:', {'LEVEL': {'value': 1}, 'OPEN': {'type': 'int'}})\n"
        "driver = pcaspy.Driver()\n"
        "driver.setParam('LEVEL', 1)\ndriver.setParam('OPEN', 0)\n"
        "server.start()\n"
        "server.initAccessSecurityFile(sys.argv[1], P='T:')\n"
        "server.process(0.5)\n"
        "print(os.environ.get('EPICS_CA_ADDR_LIST'))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(RULES)],
        capture_output=True,
        text=True,
        timeout=30,
        check=True,
    )
    # libca may tell that it finds no caRepeater, and that its circuit was reset
    harmless = ("****", "Unexpected problem with CA circuit")
    said = [s for s in done.stderr.splitlines() if not s.startswith(harmless)]
    assert said == []
    assert done.stdout == f"{listed}\n"


def test_an_input_on_another_server_of_the_process():
    done = subprocess.run(
        [sys.executable, str(SERVERS / "access_two_servers.py"), str(RULES)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.stdout == "[3, 1, 3]\n", done.stderr


def test_a_read_that_is_at_work_while_rights_go_and_come(start):
    """What comes back is the present value; the older one of the read is not told."""
    server = start(RULES)
    with server.circuit() as circuit:
        channel = circuit.create(server.pv("READ"))
        circuit.create(server.pv("OPEN"))
        ask = server.child.ask
        ask(do="hold_read")
        circuit.send(event_request(channel.sid, 7, dbr.LONG))
        assert ask(do="wait_for_read")
        ask(do="group", name="READ", group="nothing")
        circuit.expect(ACCESS_RIGHTS, p2=NONE)
        circuit.expect(EVENT_ADD, p1=ECA_NORDACCESS, p2=7)
        ask(do="post", name="READ", value=5)
        ask(do="group", name="READ", group="")
        circuit.expect(ACCESS_RIGHTS, p2=ALL)
        back = circuit.expect(EVENT_ADD, p1=ECA_NORMAL, p2=7)
        assert server.decode(back).scalar == 5
        ask(do="end_read")
        circuit.get(channel, dbr.LONG)  # nothing comes before the answer
