"""A caproto server with the PVs that the scenarios use: `caproto_side.py PREFIX`."""

import asyncio
import sys
import threading

from caproto import ChannelType
from caproto.asyncio.server import start_server
from caproto.server import PVGroup, pvproperty
from child_side import answer_commands_in_thread, say


class Common(PVGroup):
    double = pvproperty(name="DOUBLE", value=3.25, units="eV", precision=3)
    long = pvproperty(name="LONG", value=5)
    short = pvproperty(name="SHORT", value=[7], dtype=ChannelType.INT)
    char = pvproperty(name="CHAR", value=[65], dtype=ChannelType.CHAR, max_length=1)
    enum = pvproperty(
        name="ENUM",
        value="ZERO",
        enum_strings=["ZERO", "ONE", "TWO"],
        dtype=ChannelType.ENUM,
    )
    binary = pvproperty(
        name="BINARY", value="Off", enum_strings=["Off", "On"], dtype=ChannelType.ENUM
    )
    string = pvproperty(name="STRING", value="hello", dtype=ChannelType.STRING)
    doubles = pvproperty(name="W:DOUBLE", value=[0.5, 1.5, 2.5], max_length=10)
    longs = pvproperty(name="W:LONG", value=[1, -2, 3], max_length=10)
    characters = pvproperty(
        name="W:CHAR", value=b"abc", dtype=ChannelType.CHAR, max_length=50
    )
    strings = pvproperty(
        name="W:STRING",
        value=["one", "two"],
        dtype=ChannelType.STRING,
        max_length=5,
    )


async def main():
    group = Common(prefix=sys.argv[1])
    ended = answer_commands_in_thread(lambda **command: None)

    def leave():
        ended.wait()
        loop.call_soon_threadsafe(server.cancel)

    async def ready(async_lib):
        say("READY", {})

    loop = asyncio.get_running_loop()
    server = asyncio.ensure_future(
        start_server(
            group.pvdb,
            interfaces=["127.0.0.1"],
            log_pv_names=False,
            startup_hook=ready,
        )
    )
    threading.Thread(target=leave, daemon=True).start()
    try:
        await server
    except asyncio.CancelledError:
        pass


asyncio.run(main())
