"""Serve with caproto's asyncio server: caproto_server.py MODE COUNT."""

import asyncio
import sys
import time

import caproto
import numpy as np
from caproto.asyncio.server import start_server
from control import (
    ARRAYS,
    MONITORED_ARRAY,
    PREFIX,
    Created,
    Poster,
    announce,
    pace,
    serve_stdin,
)

WRITES = [0]


class Written(caproto.ChannelDouble):
    """A double whose puts are handled by Python code of the application."""

    async def verify_value(self, data):
        WRITES[0] += 1
        return await super().verify_value(data)


def make_pvdb(mode, count):
    if mode == "arrays":
        return {
            PREFIX + name: caproto.ChannelDouble(value=np.zeros(n), max_length=n)
            for name, n in ARRAYS.items()
        }
    kind = Written if mode == "write" else caproto.ChannelDouble
    return {
        f"{PREFIX}{i}": kind(value=0.0, precision=3, units="mA") for i in range(count)
    }


class CaprotoPoster(Poster):
    """Commands arrive in the control thread; posts are made in the event loop."""

    def __init__(self, loop, pvdb):
        self.loop = loop
        self.pvs = list(pvdb.values())
        self.array_pv = pvdb.get(PREFIX + MONITORED_ARRAY)

    @property
    def writes(self):
        return WRITES[0]

    def rounds(self, seconds, period, pvs, how):
        async def one_round():
            chosen = self.pvs[:1] * pvs if how == "same" else self.pvs[:pvs]
            for pv in chosen:
                await pv.write(time.time())

        rounds = 0
        for _ in pace(seconds, period):
            rounds += 1
            asyncio.run_coroutine_threadsafe(one_round(), self.loop).result()
        return {"posts": rounds * pvs, "rounds": rounds}

    def post(self, index, value):
        write = self.pvs[index].write(value)
        asyncio.run_coroutine_threadsafe(write, self.loop).result()

    def post_array(self, value):
        write = self.array_pv.write(value)
        asyncio.run_coroutine_threadsafe(write, self.loop).result()


async def main(mode, count):
    with Created() as created:
        pvdb = make_pvdb(mode, count)

    async def on_start(async_lib):
        serve_stdin(CaprotoPoster(asyncio.get_running_loop(), pvdb))
        announce(**created.facts)

    await start_server(pvdb, interfaces=["127.0.0.1"], startup_hook=on_start)


asyncio.run(main(sys.argv[1], int(sys.argv[2])))
