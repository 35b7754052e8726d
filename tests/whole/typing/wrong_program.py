"""What users get wrong: mypy and pyright find each line; an idle ignore is an error."""

# pyright: reportUnnecessaryTypeIgnoreComment=true

from aioca import caget, camonitor, caput
from pcaspy import Driver
from pcaspy.pvdb import PVSpec

units: PVSpec = {"units": "mm"}  # type: ignore
count: PVSpec = {"count": "many"}  # type: ignore
enums: PVSpec = {"enums": 5}  # type: ignore
kind: PVSpec = {"type": "quad"}  # type: ignore


async def client() -> None:
    await caget(5)  # type: ignore
    await caput("P:A")  # type: ignore
    await caget("P:A", timeout="soon")  # type: ignore
    camonitor("P:A", "print")  # type: ignore


def serve(driver: Driver) -> None:
    driver.setParam("A")  # type: ignore
    driver.getParam(1.5)  # type: ignore
