"""A softioc server with the PVs that the scenarios use: `softioc_side.py PREFIX`."""

import asyncio
import sys

from child_side import answer_commands_in_thread, say
from softioc import asyncio_dispatcher, builder, softioc


def make_records():
    builder.SetDeviceName(sys.argv[1].removesuffix(":"))
    always = {"always_update": True}
    builder.aOut("DOUBLE", initial_value=3.25, EGU="eV", PREC=3, **always)
    builder.longOut("LONG", initial_value=5, **always)
    builder.mbbOut("ENUM", "ZERO", "ONE", "TWO", initial_value=0)
    builder.boolOut("BINARY", "Off", "On", initial_value=0)
    builder.stringOut("STRING", initial_value="hello")
    builder.WaveformOut("W:DOUBLE", initial_value=[0.5, 1.5, 2.5], length=10)
    builder.WaveformOut("W:LONG", initial_value=[1, -2, 3], length=10, datatype="int32")
    builder.WaveformOut("W:CHAR", initial_value=[97, 98], length=50, datatype="uint8")
    builder.LoadDatabase()


async def main():
    softioc.iocInit(asyncio_dispatcher.AsyncioDispatcher(asyncio.get_running_loop()))
    say("READY", {})
    ended = answer_commands_in_thread(lambda **command: None)
    await asyncio.to_thread(ended.wait)


make_records()
asyncio.run(main())
