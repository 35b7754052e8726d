"""`pcaspy serve --reload`: the file is changed while it is served."""

import os
import signal
import sys
import time

import pytest

from pcaspy.service.module import load_module


def wait_for(client, name, field, wanted):
    """Gets until a PV that is replaced has come back with what the new one has."""
    deadline = time.monotonic() + 20
    while (found := client.get(name)).get(field) != wanted:
        assert time.monotonic() < deadline, found


def replace(command, file, name, text):
    """Writes the file anew and waits for what the server says about it."""
    file(name, text)
    return command.line_with(command.err, "reloaded")


def test_what_is_as_before_keeps_client_and_value(file, serve, client):
    path = file("r.yaml", "pvdb: {R:A: {unit: mm}, R:B: {}, R:C: {prec: 1}}\n")
    command = serve(path, "--reload")
    assert client.put("R:A", 5) == 1
    client.monitor("R:A")
    client.updates("R:A")
    text = "pvdb: {R:A: {unit: mm}, R:C: {prec: 2}, R:D: {value: 4}}\n"
    assert "not" not in replace(command, file, "r.yaml", text)
    assert client.value("R:D") == 4
    wait_for(client, "R:C", "precision", 2)
    assert client.get("R:B", seconds=0.5) == {"errorcode": 80}
    assert client.value("R:A") == 5
    assert client.put("R:A", 6) == 1
    assert client.updates("R:A")[0]["value"] == 6  # no disconnect came before it
    assert client.put("R:D", 7) == 1
    assert client.value("R:D") == 7


def test_a_wrong_file_changes_nothing(file, serve, client):
    path = file("r.json", '{"pvdb": {"R:A": {"value": 1}}}')
    command = serve(path, "--reload")
    text = '{"pvdb": {"R:A": {"value": 2},\n "R:B": {"count": 0}}}'
    assert "not reloaded" in replace(command, file, "r.json", text)
    assert f"{path}:2: PV 'R:B'" in command.line_with(command.err, "count")
    assert client.value("R:A") == 1
    replace(command, file, "r.json", '{"pvdb": {"R:A": {"value": 2}}}')
    wait_for(client, "R:A", "value", 2)


def test_a_file_that_is_away_for_a_while(file, serve, client):
    path = file("r.json", '{"pvdb": {"R:A": {"value": 1}}}')
    command = serve(path, "--reload")
    os.rename(path, path.with_suffix(".old"))
    command.line_with(command.err, "cannot be read")
    assert client.value("R:A") == 1
    replace(command, file, "r.json", '{"pvdb": {"R:A": {"value": 3}}}')
    wait_for(client, "R:A", "value", 3)


def test_the_prefix_of_the_command_stays(file, serve, client):
    path = file("r.json", '{"prefix": "OLD:", "pvdb": {"A": {"value": 1}}}')
    command = serve(path, "--reload", "--prefix", "MINE:")
    replace(command, file, "r.json", '{"prefix": "NEW:", "pvdb": {"A": {"value": 2}}}')
    assert client.value("MINE:A") == 2


MODULE = """\
    from pcaspy import Driver

    pvdb = {{"R:A": {{}}}}


    class Reader(Driver):
        def read(self, reason):
            return {value}
    """


def test_a_module_begins_anew(file, serve, client):
    path = file("r.py", MODULE.format(value=1))
    command = serve(path, "--reload")
    assert client.value("R:A") == 1
    file("r.py", MODULE.format(value=2))
    command.line_with(command.out, "serving")
    wait_for(client, "R:A", "value", 2)


def test_a_module_that_is_wrong_goes_on_as_before(file, serve, client):
    path = file("r.py", MODULE.format(value=1))
    command = serve(path, "--reload")
    file("r.py", MODULE.format(value="("))
    command.line_with(command.err, "not reloaded")
    assert "SyntaxError" in command.line_with(command.err, "r.py")
    assert client.value("R:A") == 1


def test_a_module_that_becomes_another_program_is_not_taken_over(file, serve, client):
    path = file("r.py", MODULE.format(value=1))
    command = serve(path, "--reload")
    file("r.py", "import os, sys\nos.execv(sys.executable, [sys.executable, '-V'])\n")
    command.line_with(command.err, "not reloaded")
    assert "ends the program" in command.line_with(command.err, "r.py")
    assert client.value("R:A") == 1


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_ends_after_it_began_anew(file, serve, number):
    path = file("r.py", MODULE.format(value=1))
    command = serve(path, "--reload")
    file("r.py", MODULE.format(value=2))
    command.line_with(command.out, "serving")
    command.signal(number)
    assert command.wait()[0] == 0


def test_bytecode_of_an_earlier_file_is_not_run(tmp_path, monkeypatch):
    """It looks right if the new file is of the same second and the same size."""
    monkeypatch.setattr(sys, "dont_write_bytecode", False)
    path = tmp_path / "same_second.py"
    for value in (1, 2):
        path.write_text(f'pvdb = {{"A": {{"value": {value}}}}}')
        os.utime(path, (1e9, 1e9))
        assert load_module(path).pvdb["A"]["value"] == value
