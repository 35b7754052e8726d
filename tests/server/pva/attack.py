"""Random programs against one server, with clients that come, go and are killed.

What must hold: the last value of a PV reaches each of its monitors; at the end nothing
is left of the clients.
"""

from __future__ import annotations

import os
import random
import socket
from typing import Any

from pva_support import Client, PvaServer

from support.ports import LOOPBACK

NAMES = [f"X{i}" for i in range(12)]
INFOS: list[dict[str, Any]] = [
    {"type": "int"},
    {"type": "float"},
    {"type": "float", "count": 5},
    {"type": "int", "count": 2000},
    {"type": "string"},
    {"type": "ndarray"},
]
LEFT = ("pva_channels", "pva_subscriptions", "pva_requests_open", "pva_connections")


def value_of(info: dict[str, Any], number: int) -> Any:
    """That number, as a PV of this kind has it."""
    if info["type"] == "string":
        return f"text {number}"
    if info["type"] == "ndarray":
        return [number] * 3
    return [number] * min(info["count"], 1500) if "count" in info else number


class Attack:
    """One program. The numbers that are posted grow, so that none comes twice."""

    def __init__(self, server: PvaServer, seed: int, clients: int = 3) -> None:
        self.server, self.random = server, random.Random(seed)
        self.clients = [Client(server) for _ in range(clients)]
        self.monitors: dict[tuple[Client, int], str] = {}
        self.pvs: dict[str, dict[str, Any]] = {}
        self.number = 0
        self.steps = 0
        self.level = 1

    def step(self) -> None:
        """One thing or another."""
        self.steps += 1
        actions = {
            self.post: 10,
            self.get: 6,
            self.put: 8,
            self.monitor: 6,
            self.cancel: 4,
            self.create: 4,
            self.remove: 2,
            self.flood: 3,
            self.rights: 2,
            self.hostile: 2,
            self.fork: 1,
            self.kill_client: 1,
            self.close_client: 1,
            self.restart: 0.3,
            self.check: 1,
        }
        self.random.choices(list(actions), list(actions.values()))[0]()

    def next(self) -> int:
        self.number += 1
        return self.number

    def any_pv(self) -> str:
        if not self.pvs:
            self.create()
        return self.random.choice(list(self.pvs))

    def any_client(self) -> Client:
        return self.random.choice(self.clients)

    def create(self) -> None:
        """Or replace."""
        name, info = self.random.choice(NAMES), self.random.choice(INFOS)
        value = value_of(info, self.next())
        self.pvs[name] = info
        self.server.ask("create", name=name, info={**info, "value": value})

    def remove(self) -> None:
        name = self.any_pv()
        del self.pvs[name]
        self.server.ask("remove", name=name)

    def post(self) -> None:
        name = self.any_pv()
        value = value_of(self.pvs[name], self.next())
        self.server.ask("post", name=name, value=value)

    def flood(self) -> None:
        """Many posts, faster than clients take them."""
        name = self.any_pv()
        values = [value_of(self.pvs[name], self.next()) for _ in range(200)]
        if "count" not in self.pvs[name]:
            self.server.ask("post_many", name=name, values=values)

    def get(self) -> None:
        name = self.any_pv()
        request = self.random.choice([None, "field(value)", "field(alarm)"])
        self.any_client().get(name, request)

    def put(self) -> None:
        name = self.any_pv()
        value: Any = value_of(self.pvs[name], self.next())
        if self.pvs[name]["type"] == "ndarray":
            size = self.random.choice([3, 3, 4])  # 4 is refused
            value = {"value": ["longValue", value], "dimension": [{"size": size}]}
        block = self.random.choice(["true", "false"])
        request = f"record[block={block}]field()"
        self.any_client().put(name, value, request, first=self.random.random() < 0.3)

    def monitor(self) -> None:
        client, name = self.any_client(), self.any_pv()
        size = self.random.choice([1, 2, 3, 10, 1000])
        number = client.monitor(name, f"record[queueSize={size}]field()")
        self.monitors[client, number] = name

    def cancel(self) -> None:
        if self.monitors:
            client, number = self.random.choice(list(self.monitors))
            del self.monitors[client, number]
            client.cancel(number)

    def forget(self, client: Client) -> None:
        for key in [key for key in self.monitors if key[0] is client]:
            del self.monitors[key]

    def kill_client(self) -> None:
        victim = self.any_client()
        self.forget(victim)
        victim.child.kill()
        victim.child.stop()
        self.clients[self.clients.index(victim)] = Client(self.server)

    def close_client(self) -> None:
        client = self.any_client()
        self.forget(client)
        client.ask("close")

    def rights(self) -> None:
        """A rule whose input changes; GUARDED is not readable meanwhile."""
        self.level = self.random.choice([1, 9])
        self.server.ask("post", name="LEVEL", value=self.level)
        client = self.any_client()
        client.put("GUARDED", self.next(), first=False)
        client.get("GUARDED")

    def hostile(self) -> None:
        """Bytes that are no PVAccess, or begin like it and promise what never comes."""
        data = self.random.randbytes(self.random.choice([1, 8, 200, 5000]))
        if self.random.random() < 0.7:
            command = self.random.randrange(0, 22)
            size = self.random.choice([0, 8, len(data), 0x7FFFFFFF, 0xFFFFFFFF])
            flags = self.random.choice([0, 0x10, 0x20, 0x30, 0x80])
            head = bytes([0xCA, 2, flags, command])
            data = head + size.to_bytes(4, "big" if flags & 0x80 else "little") + data
        with socket.create_connection((LOOPBACK, self.server.tcp)) as connection:
            try:
                connection.sendall(data)
            except OSError:
                pass  # it has had enough

    def fork(self) -> None:
        name = self.any_pv()
        value = value_of(self.pvs[name], -1)
        assert self.server.ask("fork", name=name, value=value) == 0

    def restart(self) -> None:
        self.server.ask("close")
        ports = [self.server.tcp, self.server.udp]
        assert self.server.ask("start", ports=ports) == ports

    def check(self) -> None:
        """The last value arrives at each monitor of a PV that there is."""
        last = {}
        for name, info in self.pvs.items():
            last[name] = value_of(info, self.next())
            self.server.ask("post", name=name, value=last[name])
        for (client, number), name in self.monitors.items():
            if name in last:
                client.until(number, last[name])

    def end(self) -> None:
        """Nothing is left but the PVs."""
        self.check()
        for client in self.clients:
            client.child.stop()
        while any(self.server.stats()[name] for name in LEFT):
            pass
        while self.server.ask("instances")["Request"]:
            pass
        # The driver's table keeps the PV of a name that was removed, until it is made.
        for name in NAMES:
            self.server.ask("create", name=name, info={})
        while self.server.ask("instances")["Pv"] != self.server.stats()["pvs"]:
            pass

    def stop(self) -> None:
        """Whatever happened."""
        for client in self.clients:
            client.child.stop()


def seconds() -> float:
    """How long an attack lasts: PVA_ATTACK_SECONDS, or not long."""
    return float(os.environ.get("PVA_ATTACK_SECONDS", "8"))
