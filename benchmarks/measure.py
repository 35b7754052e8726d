"""Start servers and load generators, and read what they cost from the kernel."""

import json
import os
import select
import socket
import subprocess
import time
from contextlib import contextmanager

from peers import program

START_TIMEOUT = 300.0
COMMAND_TIMEOUT = 60.0
LOAD_TIMEOUT = 150.0


class Failed(Exception):
    """A contender did not do what a scenario asked for."""


def free_port():
    """Return a port that is free for UDP and TCP on the loopback interface."""
    while True:
        with (
            socket.socket(socket.AF_INET, socket.SOCK_STREAM) as tcp,
            socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp,
        ):
            tcp.bind(("127.0.0.1", 0))
            port = tcp.getsockname()[1]
            try:
                udp.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port


def environment(port, beacon_port):
    """Return the settings of one isolated server and of its clients."""
    return os.environ | {
        "EPICS_CAS_SERVER_PORT": str(port),
        "EPICS_CAS_INTF_ADDR_LIST": "127.0.0.1",
        "EPICS_CAS_BEACON_ADDR_LIST": "127.0.0.1",
        "EPICS_CAS_AUTO_BEACON_ADDR_LIST": "NO",
        "EPICS_CAS_BEACON_PORT": str(beacon_port),
        "EPICS_CA_REPEATER_PORT": str(beacon_port),
        "EPICS_CA_SERVER_PORT": str(port),
        "EPICS_CA_ADDR_LIST": f"127.0.0.1:{port}",
        "EPICS_CA_AUTO_ADDR_LIST": "NO",
        "EPICS_CA_MAX_ARRAY_BYTES": "20000000",
    }


class LineProcess:
    """A child that answers each line on its stdin with one line of JSON."""

    def __init__(self, command, env):
        self._unread = b""
        self._child = subprocess.Popen(
            command,
            env=env,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE if not os.environ.get("BENCH_STDERR") else None,
            bufsize=0,
        )
        if self._child.stderr:
            os.set_blocking(self._child.stderr.fileno(), False)
        self.pid = self._child.pid

    def answer(self, timeout):
        """Wait for the next line of JSON; text of other kinds is passed over."""
        end = time.monotonic() + timeout
        while True:
            line, newline, rest = self._unread.partition(b"\n")
            if newline:
                self._unread = rest
                if line.startswith(b"{"):
                    return json.loads(line)
                continue
            wait = max(0.0, end - time.monotonic())
            if not select.select([self._child.stdout], [], [], wait)[0]:
                raise Failed("no answer in time")
            data = os.read(self._child.stdout.fileno(), 65536)
            if not data:
                raise Failed("ended early: " + self._last_words())
            self._unread += data

    def _last_words(self):
        text = self._child.stderr.read() if self._child.stderr else b""
        return (text or b"").decode(errors="replace").strip()[-300:]

    def command(self, line, timeout=COMMAND_TIMEOUT):
        """Send a line and return its answer."""
        try:
            self._child.stdin.write(line.encode() + b"\n")
        except BrokenPipeError as error:
            raise Failed("it has ended") from error
        return self.answer(timeout)

    def stop(self):
        """End the child: stdin first, then by force."""
        self._child.stdin.close()
        try:
            self._child.wait(2)
        except subprocess.TimeoutExpired:
            self._child.kill()
            self._child.wait()
        self._child.stdout.close()
        if self._child.stderr:
            self._child.stderr.close()


class Server(LineProcess):
    """A running contender and its cost so far."""

    def __init__(self, contender, mode, count):
        # The sink for beacons: an unbound port would answer with ICMP errors.
        self._beacons = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._beacons.bind(("127.0.0.1", 0))
        self.port = free_port()
        self.env = environment(self.port, self._beacons.getsockname()[1])
        super().__init__(contender.command(mode, count, self.port), self.env)
        try:
            self.facts = self.answer(START_TIMEOUT)
        except Failed:
            self.stop()
            raise

    def stop(self):
        super().stop()
        self._beacons.close()

    @property
    def cpu(self):
        """Processor seconds of all its threads, ended ones included.

        Read from the process's CPU clock: as utime + stime, in nanoseconds.
        """
        return time.clock_gettime((~self.pid << 3) | 2)

    def _status(self, field):
        with open(f"/proc/{self.pid}/status") as status:
            return next(int(line.split()[1]) for line in status if field in line)

    @property
    def memory_mb(self):
        return self._status("VmRSS:") / 1024

    @property
    def peak_memory_mb(self):
        return self._status("VmHWM:") / 1024

    @property
    def threads(self):
        return self._status("Threads:")

    def load(self, tool, *arguments):
        """Run a load generator to its end; its answer plus the server's CPU."""
        before = self.cpu
        result = self.start_load(tool, *arguments)
        return self.finish_load(result, before)

    def start_load(self, tool, *arguments):
        command = [program(tool), *map(str, arguments)]
        return subprocess.Popen(
            command,
            env=self.env,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def finish_load(self, child, cpu_before=0.0):
        try:
            out, err = child.communicate(timeout=LOAD_TIMEOUT)
        except subprocess.TimeoutExpired as error:
            child.kill()
            child.communicate()
            raise Failed("the load did not end in time") from error
        lines = [line for line in out.splitlines() if line.startswith("{")]
        if child.returncode or not lines:
            raise Failed(err.strip()[-300:])
        result = json.loads(lines[-1])
        result["cpu_us"] = 1e6 * (self.cpu - cpu_before) / max(result["operations"], 1)
        result["rate"] = result["operations"] / result.get("seconds", 1.0)
        return result


@contextmanager
def running(contender, mode, count):
    """Run a contender for the length of a `with` block."""
    server = Server(contender, mode, count)
    try:
        yield server
    finally:
        server.stop()


class Monitor(LineProcess):
    """Subscribers of one server, and what reached them."""

    def __init__(self, server, circuits, names):
        command = [program("raw_load"), "monitor", str(server.port), str(circuits)]
        super().__init__([*command, *names], server.env)
        try:
            self.answer(COMMAND_TIMEOUT)
        except Failed:
            self.stop()
            raise

    def counters(self):
        return self.command("")

    def settled(self, limit=5.0):
        """Return the counters once nothing more arrives, or after `limit` seconds."""
        end = time.monotonic() + limit
        last = self.counters()
        quiet = 0
        while quiet < 3 and time.monotonic() < end:
            time.sleep(0.1)
            latest = self.counters()
            quiet = quiet + 1 if latest["updates"] == last["updates"] else 0
            last = latest
        return last


@contextmanager
def monitoring(server, circuits, names):
    """Subscribe for the length of a `with` block."""
    monitor = Monitor(server, circuits, names)
    try:
        yield monitor
    finally:
        monitor.stop()
