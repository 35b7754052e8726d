"""The commands that look into servers, and metrics as Prometheus reads them."""

import contextlib
import json
import os
import re
import socket
import subprocess
import sys
import urllib.request

import pytest
from control_support import PVDB, Served, eventually
from prometheus_client.parser import text_string_to_metric_families

from pcaspy.__main__ import main
from pcaspy.commands import ask as asking
from pcaspy.control import metrics, metrics_http
from pcaspy.control.client import Control, find, found
from pcaspy.control.metrics_http import Metrics
from support import dbr
from support.wire import Circuit


def printed(capsys, *arguments, status=0):
    capsys.readouterr()
    assert main(list(arguments)) == status
    out, err = capsys.readouterr()
    return err if status else out


@pytest.mark.parametrize("python", [(), ("-u",)], ids=["buffered", "unbuffered"])
@pytest.mark.parametrize("command", ["misses", "stats", "list", "metrics"])
def test_a_reader_that_has_enough_ends_a_command(served, command, python):
    reader, writer = os.pipe()
    os.close(reader)
    try:
        done = subprocess.run(
            [sys.executable, *python, "-m", "pcaspy", command],
            env={**os.environ, "PYTHONUNBUFFERED": ""},
            stdout=writer,
            stderr=subprocess.PIPE,
            text=True,
            timeout=60,
            check=False,
        )
    finally:
        os.close(writer)
    assert (done.returncode, done.stderr) == (1, "")


def test_a_server_that_ends_is_no_reader_that_has_enough(served, capsys, monkeypatch):
    def broken(path):
        control = Control(path)
        control._socket.shutdown(socket.SHUT_WR)  # sending fails with EPIPE
        return control

    monkeypatch.setattr(asking, "Control", broken)
    assert "the server has ended" in printed(capsys, "misses", status=1)


def test_a_server_whose_output_nobody_reads_says_so(tmp_path):
    file = tmp_path / "axis.json"
    file.write_text('{"pvdb": {"A": {}}}')
    reader, writer = os.pipe()
    os.close(reader)
    done = subprocess.run(
        [sys.executable, "-m", "pcaspy", "serve", str(file), "--port", "0"],
        stdout=writer,
        stderr=subprocess.PIPE,
        text=True,
        timeout=60,
        check=False,
    )
    os.close(writer)
    assert done.returncode == 1
    assert "Broken pipe" in done.stderr


def test_without_a_server_it_is_said(capsys, runtime):
    assert "no server" in printed(capsys, "list")
    assert json.loads(printed(capsys, "list", "--json")) == []
    assert printed(capsys, "metrics") == ""
    for command in ("stats", "clients", "slow", "misses"):
        assert "no server of this user runs" in printed(capsys, command, status=1)
    assert "no server" in printed(capsys, "metrics", "axis", status=1)


def test_list_has_a_line_for_each_server(capsys):
    with Served() as one, Served({"A": {}}) as other:
        with Circuit(one.tcp):
            eventually(lambda: one.ask("circuits")["total"] == 1)
            lines = printed(capsys, "list").splitlines()
            rows = {
                row["name"]: row
                for row in json.loads(printed(capsys, "list", "--json"))
            }
    assert lines[0].split()[:4] == ["PID", "NAME", "PVS", "CLIENTS"]
    cells = {line.split()[1]: line.split() for line in lines[1:]}
    pid = str(os.getpid())
    port = str(rows[one.name]["tcp_port"])
    assert cells[one.name][:5] == [pid, one.name, str(len(PVDB)), "1", port]
    assert cells[other.name][:4] == [pid, other.name, "1", "0"]
    assert rows[one.name]["clients"] == 1
    assert rows.keys() == {one.name, other.name}


def test_one_of_several_has_to_be_named(capsys):
    with Served(), Served() as other:
        assert "several servers" in printed(capsys, "stats", status=1)
        answer = json.loads(printed(capsys, "stats", other.name, "--json"))
        assert answer["counters"]["pvs"] == len(PVDB)


def test_tables_and_json_say_the_same(capsys, shared):
    stats = json.loads(printed(capsys, "stats", str(shared.path), "--json"))
    table = printed(capsys, "stats", str(shared.path))
    for name, meaning in stats["meanings"].items():
        assert re.search(rf"^ *\d+  {name} +{re.escape(meaning)}$", table, re.M)
    with Circuit(shared.tcp) as circuit:
        channel = circuit.create(shared.prefix + "POS")
        circuit.subscribe(channel, dbr.DOUBLE)
        eventually(lambda: shared.ask("circuits")["rows"][0]["subscriptions"] == 1)
        (row,) = json.loads(printed(capsys, "clients", str(shared.path), "--json"))
        line = printed(capsys, "clients", str(shared.path)).splitlines()[1].split()
        assert line[-7:-2] == [row["address"], "ca", "1", "1", str(row["held"])]
    assert (
        json.loads(printed(capsys, "slow", str(shared.path), "--json"))["running"] == []
    )
    assert printed(capsys, "slow", str(shared.path)).startswith("SECONDS")
    assert json.loads(printed(capsys, "misses", str(shared.path), "--json")) == []
    assert printed(capsys, "misses", str(shared.path)).startswith("SEARCHES")


def test_what_comes_from_the_network_does_not_reach_the_terminal_raw(capsys):
    from support import wire

    with Served() as served, Circuit(served.tcp) as circuit:
        circuit.send(wire.pack(wire.CLIENT_NAME, payload=wire.text("\x1b[2Jevil")))
        circuit.send(wire.search_request("\x1b]0;name\x07", 1))
        circuit.create(served.prefix + "POS")
        eventually(lambda: served.ask("misses")["rows"])
        for command in ("clients", "misses"):
            out = printed(capsys, command, served.name)
            assert "evil" in out or "name" in out
            assert all(c.isprintable() or c == "\n" for c in out)


def samples(text):
    """{(name, labels): value}, as prometheus_client reads them."""
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def test_metrics_are_what_prometheus_reads(capsys):
    with Served() as one, Served() as other:
        text = printed(capsys, "metrics")
        assert (
            samples(printed(capsys, "metrics", one.name)).keys() < samples(text).keys()
        )
        stats = {s.name: s.ask("stats") for s in (one, other)}
    families = {family.name: family for family in text_string_to_metric_families(text)}
    assert {
        "pcaspy_gets",
        "pcaspy_puts",
        "pcaspy_pvs",
        "pcaspy_circuits",
    } <= families.keys()
    found = samples(text)
    for name, answer in stats.items():
        label = (("server", name),)
        assert found["pcaspy_pvs", label] == len(PVDB)
        assert found["pcaspy_gets_total", label] == answer["counters"]["reads"]
        counted = [key for key in found if key[1] == label]
        assert len(counted) == len(answer["counters"]) + 1  # the start
    for family in families.values():
        assert family.documentation
        assert family.type in ("counter", "gauge")


def test_servers_of_one_name_stay_apart():
    values = {"name": 'a"b\\c\n', "version": "1", "started": 0.5}
    counters = {"pvs": 3, "reads": 4, "longest_call": 1500}
    kinds = {"pvs": "now", "reads": "ever", "longest_call": "ever"}
    meanings = {"pvs": "PVs \\ and\nmore", "longest_call": "milliseconds of"}
    servers = [
        metrics.Server(
            **values, number=number, counters=counters, kinds=kinds, meanings=meanings
        )
        for number in ("1-1", "1-2")
    ]
    found = samples(metrics.text(servers))
    name = values["name"]
    for number in ("1-1", "1-2"):
        assert found["pcaspy_gets_total", (("server", f"{name}-{number}"),)] == 4
        label = (("server", f"{name}-{number}"),)
        assert found["pcaspy_longest_call_seconds", label] == 1.5
    assert samples(metrics.text(servers[:1]))["pcaspy_pvs", (("server", name),)] == 3


def test_metrics_over_http_are_the_same(shared):
    stats = shared.server.stats
    served = Metrics(0, shared.name, stats)
    try:
        url = f"http://127.0.0.1:{served.port}/metrics"
        with urllib.request.urlopen(url, timeout=60) as answer:
            over_http = samples(answer.read().decode())
        ours = samples(metrics.text([served.now()]))
        # Of the request itself there is nothing to count.
        assert {
            key: value for key, value in over_http.items() if "process_" not in key[0]
        } == ours
        assert over_http["process_cpu_seconds_total", ()] > 0
    finally:
        served.close()
    with pytest.raises(OSError):  # noqa: PT011
        urllib.request.urlopen(url, timeout=5)


def test_a_connection_for_metrics_that_asks_for_nothing_is_closed(
    shared, monkeypatch, capfd
):
    monkeypatch.setattr(metrics_http, "_IDLE", 0.1)
    served = Metrics(0, shared.name, shared.server.stats)
    try:
        for start in (b"", b"GET /metr"):
            with socket.create_connection(("127.0.0.1", served.port), 60) as idle:
                idle.sendall(start)
                assert idle.recv(1) == b""
    finally:
        served.close()
    assert capfd.readouterr().err == ""


def test_without_prometheus_client_it_is_said(monkeypatch):
    monkeypatch.setitem(sys.modules, "prometheus_client", None)
    with pytest.raises(ImportError, match=r"pip install 'pcaspy\[metrics\]'"):
        Metrics(0, "x", dict)


@contextlib.contextmanager
def serving(file, *options, **variables):
    command = [sys.executable, "-m", "pcaspy", "serve", str(file), "--port", "0"]
    process = subprocess.Popen(
        [*command, *options],
        env={**os.environ, **variables},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        yield process, process.stdout.readline()
    finally:
        process.terminate()
        process.communicate(timeout=60)
        assert process.returncode == 0


def test_serve_can_be_looked_into_unless_it_is_switched_off(tmp_path, capsys):
    file = tmp_path / "axis 1.json"
    file.write_text('{"prefix": "S:", "pvdb": {"A": {"value": 3}}}')
    with (
        serving(file, "--metrics-port", "0") as (process, line),
        serving(file, "--no-control"),
        serving(file, PCASPY_CONTROL="NO"),
        serving(file, PCASPY_CONTROL="named"),
        serving(file, "--control", PCASPY_CONTROL="NO"),
    ):
        assert sorted(server.name for server in found()) == [
            "axis_1",
            "axis_1",
            "named",
        ]
        rows = json.loads(printed(capsys, "list", "--json"))
        assert {row["pvs"] for row in rows} == {1}
        port = re.search(r"metrics on port (\d+)", line)[1]
        url = f"http://127.0.0.1:{port}/metrics"
        with urllib.request.urlopen(url, timeout=60) as answer:
            label = (("server", "axis_1"),)
            assert samples(answer.read().decode())["pcaspy_pvs", label] == 1
        assert find(str(process.pid)).name == "axis_1"
    assert found() == []
