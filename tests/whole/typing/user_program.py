"""What users write: mypy and pyright find nothing (`make lint`, test_types.py)."""

from aioca import CANothing, Subscription, caget, camonitor, caput
from aioca.types import AugmentedValue
from pcaspy import Driver, SimpleServer
from pcaspy.pvdb import PVSpec

pvdb: dict[str, PVSpec] = {"A": {"type": "enum", "enums": ["OFF", "ON"], "scan": 0.5}}


class Own(Driver):
    def write(self, reason: str, value: object) -> bool:
        self.setParam(reason, value)
        self.updatePVs()
        return True


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
