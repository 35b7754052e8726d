"""A server and its client in one process: what an installed wheel must do."""

import asyncio

from aioca import FORMAT_CTRL, caget, caput
from pcaspy import Driver, SimpleServer
from pcaspy.tools import ServerThread


class SmokeDriver(Driver):
    """Stores what is written."""


async def write_and_read():
    await caput("SMOKE:POSITION", 2.5, wait=True)
    position = await caget("SMOKE:POSITION", format=FORMAT_CTRL)
    print(position, position.units)


server = SimpleServer()
server.createPV("SMOKE:", {"POSITION": {"unit": "mm"}})
driver = SmokeDriver()
thread = ServerThread(server)
thread.start()
try:
    asyncio.run(write_and_read())
finally:
    thread.stop()
    thread.join()
