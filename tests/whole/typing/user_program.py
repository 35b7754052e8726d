"""What users write: mypy and pyright find nothing (`make lint`, test_types.py)."""

import asyncio
from typing import Any

from typing_extensions import assert_type

from aioca import CANothing, Subscription, caget, camonitor, caput
from aioca.types import AugmentedFloat, AugmentedStr, AugmentedValue
from pcaspy import Driver, SimpleServer
from pcaspy.pvdb import PVSpec

pvdb: dict[str, PVSpec] = {"A": {"type": "enum", "enums": ["OFF", "ON"], "scan": 0.5}}
more: dict[str, PVSpec] = {
    "B": {"type": "bool", "alias": "SWITCH", "readonly": True},
    "C": {"drvl": 0, "drvh": 5.5, "enforce_limits": "clamp"},
    "D": {"hihi": 5, "hhsv": "INVALID", "hsv": 2, "hyst": 0.5, "alarm_delay": 2},
}


class Own(Driver):
    def write(self, reason: str, value: object) -> bool:
        self.setParam(reason, value)
        self.updatePVs()
        return True


class Later(Driver):
    async def read(self, reason: str) -> float:
        return float(self.getParam(reason))

    async def write(self, reason: str, value: float) -> bool:
        self.setParamStatus(reason, 9, 3, message="no answer")
        return value > 0


async def serve_in_loop() -> None:
    server = SimpleServer(port=0, loop=asyncio.get_running_loop())
    server.createPV("P:", more)
    Later(server)
    await server.serve()


def serve() -> None:
    with SimpleServer(port=0) as server:
        server.createPV("P:", pvdb)
        driver = Own(server)
        driver.setParamInfo("A", {"unit": "mm"})
        server.process(0.1)


async def client() -> None:
    one: AugmentedValue = await caget("P:A")
    many: list[AugmentedValue] = await caget(["P:A", "P:B"])
    done: CANothing = await caput("P:A", 1, wait=True)
    subscription: Subscription = camonitor("P:A", print)
    subscription.close()
    print(one, many, done.ok)


async def typed_client() -> None:
    level: float = await caget("P:A", float)
    text = await caget("P:A", datatype=str)
    assert_type(text, AugmentedStr)
    print(level + 1, text.upper(), text.name, text.severity)
    whole: int = await caget(pv="P:A", datatype=int)
    raw: bytes = await caget("P:A", datatype=bytes, timeout=1)
    levels = await caget(["P:A", "P:B"], float)
    assert_type(levels, list[AugmentedFloat])
    print(sum(levels), whole, raw, [level.units for level in levels])
    # An augmented value of any kind; it may be a failure.
    either: AugmentedValue = await caget("P:A", float, throw=False)
    value: AugmentedValue = await caget("P:A", float)
    print(either.ok, value)


async def subscriber() -> None:
    async with camonitor("P:A", datatype=float) as updates:
        assert_type(updates, Subscription[AugmentedFloat])
        async for value in updates:
            assert_type(value, AugmentedFloat)
            print(value * 2, value.timestamp)
    async for any_value in camonitor("P:A", format=1):
        assert_type(any_value, AugmentedValue)
    async for word in camonitor("P:A", datatype=str):
        print(word.lower())

    def show(value: Any) -> None:
        print(value)

    own: Subscription = camonitor("P:A", show, datatype=float)
    several: list[Subscription] = camonitor(["P:A"], lambda value, index: None)
    told: Subscription = camonitor("P:A", datatype=float, notify_disconnect=True)
    print(own, several, told)
