"""A simulated power supply that speaks a line protocol over TCP.

Commands: `VOLT?` and `CURR?` ask, `VOLT 12.5` sets and is answered with `OK`; anything
else with `ERR`. A load of 10 ohm is connected. Usage: python simulated_device.py [PORT]
"""

import socketserver
import sys

OHM = 10.0
MAX_VOLT = 30.0


class Supply:
    volt = 0.0

    def answer(self, line):
        command, _, argument = line.partition(" ")
        if line == "VOLT?":
            return f"{self.volt:.3f}"
        if line == "CURR?":
            return f"{self.volt / OHM:.4f}"
        if command == "VOLT":
            try:
                volt = float(argument)
            except ValueError:
                return "ERR"
            if 0 <= volt <= MAX_VOLT:
                self.volt = volt
                return "OK"
        return "ERR"


class Connection(socketserver.StreamRequestHandler):
    def handle(self):
        for line in self.rfile:
            answer = self.server.supply.answer(line.decode().strip())
            self.wfile.write(answer.encode() + b"\n")


class DeviceServer(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True
    supply = Supply()


if __name__ == "__main__":
    port = int(sys.argv[1]) if len(sys.argv) > 1 else 5025
    with DeviceServer(("127.0.0.1", port), Connection) as device:
        print("port", device.server_address[1], flush=True)
        try:
            device.serve_forever()
        except KeyboardInterrupt:
            pass
