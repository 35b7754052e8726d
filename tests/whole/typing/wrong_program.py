"""What users get wrong: mypy and pyright find each line; an idle ignore is an error."""

# pyright: reportUnnecessaryTypeIgnoreComment=true

from aioca import caget, camonitor, caput
from pcaspy import Driver, SimpleServer
from pcaspy.pvdb import PVSpec
from pcaspy.tools import ServerThread

units: PVSpec = {"units": "mm"}  # type: ignore
count: PVSpec = {"count": "many"}  # type: ignore
enums: PVSpec = {"enums": 5}  # type: ignore
kind: PVSpec = {"type": "quad"}  # type: ignore
drive: PVSpec = {"drvh": "high"}  # type: ignore
flag: PVSpec = {"readonly": "no"}  # type: ignore
enforce: PVSpec = {"enforce_limits": "cut"}  # type: ignore
alias: PVSpec = {"alias": 5}  # type: ignore


async def client() -> None:
    await caget(5)  # type: ignore
    await caput("P:A")  # type: ignore
    await caget("P:A", timeout="soon")  # type: ignore
    await caget("P:A", count="2")  # type: ignore
    camonitor("P:A", print, count="2")  # type: ignore
    camonitor("P:A", "print")  # type: ignore
    text: str = await caget("P:A", float)  # type: ignore
    texts: list[str] = await caget(["P:A"], float)  # type: ignore
    (await caget("P:A", int)).upper()  # type: ignore
    async for value in camonitor("P:A", datatype=float):
        value.upper()  # type: ignore
    print(text, texts)


def serve(driver: Driver) -> None:
    driver.setParam("A")  # type: ignore
    driver.getParam(1.5)  # type: ignore
    driver.setParamStatus("A", "HIGH")  # type: ignore
    driver.setParamInfo("A", 5)  # type: ignore
    driver.setParams([1])  # type: ignore
    ServerThread(driver)  # type: ignore
    SimpleServer(interface=[])  # type: ignore
    SimpleServer(port="5064")  # type: ignore


def more(server: SimpleServer, driver: Driver) -> None:
    server.process("soon")  # type: ignore
    server.createPV({}, "P:")  # type: ignore
    server.createPV("P:")  # type: ignore
    SimpleServer.process(0.1, 2)  # type: ignore
