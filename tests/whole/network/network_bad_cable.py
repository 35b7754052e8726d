"""A cable that loses, doubles and delays datagrams: `python network_bad_cable.py A B`.

Frames go from interface A to B and back as they are; what the options ask for happens
to UDP only. The kernel's own header goes with each frame, so that checksums and large
segments that it has left for later stay as they are.
"""

import random
import select
import socket
import sys
import threading
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

from support.child_side import answer_commands, say

SOL_PACKET, PACKET_VNET_HDR, PACKET_OUTGOING, ETH_P_ALL = 263, 15, 4, 3
KERNEL_HEADER, ETHERNET, PROTOCOL_AT = 10, 14, 9
LATE_SECONDS = 0.03


class BadCable:
    """Two packet sockets and what is held back for the second."""

    def __init__(self, *interfaces):
        self.ends = [self.open(name) for name in interfaces]
        self.lock = threading.Lock()  # guards what is below
        self.odds = {"lost": 0.0, "doubled": 0.0, "late": 0.0}
        self.counted = dict.fromkeys([*self.odds, "datagrams"], 0)
        self.random = random.Random(0)
        self.held = []  # when, to which end, what

    @staticmethod
    def open(name):
        end = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_P_ALL))
        end.setsockopt(SOL_PACKET, PACKET_VNET_HDR, 1)
        end.bind((name, ETH_P_ALL))
        return end

    def run(self):
        other = dict(zip(self.ends, reversed(self.ends), strict=True))
        while True:
            wait = max(0.0, self.held[0][0] - time.monotonic()) if self.held else None
            readable, _, _ = select.select(self.ends, [], [], wait)
            with self.lock:
                for end in readable:
                    frame, where = end.recvfrom(1 << 17)
                    if where[2] != PACKET_OUTGOING:
                        self.pass_on(frame, other[end])
                while self.held and self.held[0][0] <= time.monotonic():
                    _, end, frame = self.held.pop(0)
                    self.send(end, frame)

    def pass_on(self, frame, end):
        if not is_datagram(frame[KERNEL_HEADER:]):
            return self.send(end, frame)
        self.counted["datagrams"] += 1
        if self.happens("lost"):
            return None
        if self.happens("late"):
            self.held.append((time.monotonic() + LATE_SECONDS, end, frame))
            return None
        if self.happens("doubled"):
            self.send(end, frame)
        return self.send(end, frame)

    def happens(self, what):
        if self.random.random() >= self.odds[what]:
            return False
        self.counted[what] += 1
        return True

    @staticmethod
    def send(end, frame):
        try:
            end.send(frame)
        except OSError:
            pass  # the other end is not plugged in: frames are lost there

    def handle(self, do, **arguments):
        with self.lock:
            if do == "behave":
                self.random = random.Random(arguments.pop("seed"))
                self.odds.update(arguments)
            return dict(self.counted)


def is_datagram(frame):
    return (
        frame[12:14] == b"\x08\x00" and frame[ETHERNET + PROTOCOL_AT] == 17
    )  # IPv4, UDP


def main():
    cable = BadCable(*sys.argv[1:])
    threading.Thread(target=cable.run, daemon=True).start()
    say("READY", {})
    answer_commands(cable.handle)


main()
