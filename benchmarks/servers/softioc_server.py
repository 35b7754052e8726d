"""Serve with softioc: softioc_server.py MODE COUNT."""

import sys
import threading

import numpy as np
from control import (
    ARRAYS,
    MONITORED_ARRAY,
    PREFIX,
    Created,
    Poster,
    announce,
    serve_stdin,
)
from softioc import asyncio_dispatcher, builder, softioc


class SoftiocPoster(Poster):
    def __init__(self, records):
        self.records = records

    def count_write(self, value):
        self.writes += 1

    def post(self, index, value):
        self.records[index].set(value)

    def post_array(self, value):
        self.records[0].set(value)


def make_records(mode, count, poster):
    if mode == "arrays":
        return [
            builder.WaveformIn(name, initial_value=np.zeros(ARRAYS[name]))
            for name in sorted(ARRAYS, key=lambda name: name != MONITORED_ARRAY)
        ]
    options = {"PREC": 3, "EGU": "mA"}
    if mode == "write":
        options |= {"on_update": poster.count_write, "always_update": True}
    return [builder.aOut(str(i), initial_value=0.0, **options) for i in range(count)]


def main(mode, count):
    poster = SoftiocPoster([])
    builder.SetDeviceName(PREFIX.rstrip(":"))
    with Created() as created:
        poster.records = make_records(mode, count, poster)
        builder.LoadDatabase()
        softioc.iocInit(asyncio_dispatcher.AsyncioDispatcher(), enable_pva=False)
    serve_stdin(poster)
    announce(**created.facts)
    threading.Event().wait()


main(sys.argv[1], int(sys.argv[2]))
