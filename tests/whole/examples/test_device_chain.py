"""Simulated device, its server, a calculation on it, and a logger of both."""

import csv
import socket
import time

import pytest

from support.environment import client_environment, server_environment
from support.epics_client import ECA_NORMAL, ECA_PUTFAIL, EpicsClient
from support.example_program import Program
from support.ports import free_port

NO_ALARM, MINOR, MAJOR, INVALID = range(4)
READ, LINK = 1, 14


@pytest.fixture
def start():
    """Starts programs; at the end Ctrl-C must end each of them."""
    programs = []

    def start_program(name, *argv, env):
        programs.append(Program(name, *map(str, argv), env=env))
        return programs[-1]

    yield start_program
    try:
        for program in reversed(programs):
            program.interrupt()
            status, printed = program.wait()
            assert (status, "KeyboardInterrupt" in printed) == (0, False), printed
    finally:
        for program in programs:
            program.close()


class Device:
    """A running device."""

    def __init__(self):
        self.port = free_port()
        env = server_environment(self.port)
        self.program = Program("simulated_device", str(self.port), env=env)
        wait_for_device(self.port)

    def close(self):
        self.program.close()


@pytest.fixture
def device():
    device = Device()
    yield device
    device.close()


def wait_for_device(number):
    deadline = time.monotonic() + 15
    while True:
        try:
            with socket.create_connection(("127.0.0.1", number), 1):
                return
        except OSError:
            assert time.monotonic() < deadline
            time.sleep(0.02)


def test_device_answers(device):
    with socket.create_connection(("127.0.0.1", device.port), 5) as connection:
        lines = connection.makefile("rw")
        lines.write("VOLT 5\nVOLT?\nCURR?\nVOLT 31\nVOLT x\nHELLO\n")
        lines.flush()
        answers = [lines.readline().strip() for _ in range(6)]
    assert answers == ["OK", "5.000", "0.5000", "ERR", "ERR", "ERR"]


def test_server_of_the_device(start, device, port, client):
    start("socket_device", f"127.0.0.1:{device.port}", env=server_environment(port))
    client.monitor("PSU:CURRENT")
    client.next_update("PSU:CURRENT", lambda update: update["severity"] == NO_ALARM)
    assert client.put("PSU:SET_VOLTAGE", 12) == ECA_NORMAL
    client.next_update("PSU:CURRENT", lambda update: update["value"] == 1.2)
    assert client.put("PSU:SET_VOLTAGE", 31) == ECA_PUTFAIL
    assert client.put("PSU:VOLTAGE", 1) == ECA_PUTFAIL
    assert client.value("PSU:SET_VOLTAGE") == 12


def test_device_that_comes_later_and_goes(start, port, client):
    number = free_port()
    start("socket_device", f"127.0.0.1:{number}", env=server_environment(port))
    client.monitor("PSU:VOLTAGE")
    lost = client.next_update("PSU:VOLTAGE", lambda update: update["status"] == READ)
    assert lost["severity"] == INVALID
    assert client.put("PSU:SET_VOLTAGE", 5) == ECA_PUTFAIL
    device = Program("simulated_device", str(number), env=server_environment(port))
    try:
        client.next_update("PSU:VOLTAGE", lambda update: update["severity"] == NO_ALARM)
    finally:
        device.close()
    client.next_update("PSU:VOLTAGE", lambda update: update["severity"] == INVALID)


def test_calculation_between_two_servers(start, device, port, client):
    of_power = free_port()
    env = {
        **client_environment(port),
        **server_environment(of_power, EPICS_CA_SERVER_PORT=str(port)),
    }
    start("socket_device", f"127.0.0.1:{device.port}", env=server_environment(port))
    start("calculation", env=env)
    with EpicsClient(of_power) as power:
        power.monitor("POWER:WATTS")
        power.next_update("POWER:WATTS", lambda u: u["severity"] == NO_ALARM)
        client.put("PSU:SET_VOLTAGE", 25)
        full = power.next_update("POWER:WATTS", lambda update: update["value"] == 62.5)
        assert full["severity"] == MINOR
        assert abs(full["timestamp"] - time.time()) < 30
        assert power.put("POWER:WATTS", 1) == ECA_PUTFAIL
        device.close()
        lost = power.next_update("POWER:WATTS", lambda u: u["status"] == LINK)
        assert lost["severity"] == INVALID


def test_logger(start, port, client, tmp_path):
    file = tmp_path / "log.csv"
    server = Program("echo", env=server_environment(port))
    try:
        start("logger", "--file", file, "MTEST:RAND", env=client_environment(port))
        wait_for_line(file, ["MTEST:RAND", "0.0", "NO_ALARM"])
        for value in range(1, 21):
            client.put("MTEST:RAND", value)
        wait_for_line(file, ["MTEST:RAND", "20.0", "NO_ALARM"])
    finally:
        server.close()
    wait_for_line(file, ["MTEST:RAND", "", "DISCONNECTED"])
    values = [float(row[2]) for row in rows(file) if row[2]]
    assert values == list(range(21))
    times = [row[0] for row in rows(file)]
    assert times[1:] == sorted(times[1:])  # the first value is older than its server


def rows(file):
    return list(csv.reader(file.read_text().splitlines())) if file.exists() else []


def wait_for_line(file, fields):
    deadline = time.monotonic() + 20
    while fields not in [row[1:] for row in rows(file)]:
        assert time.monotonic() < deadline, rows(file)
        time.sleep(0.02)
