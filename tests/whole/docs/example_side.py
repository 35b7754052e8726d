"""Runs an example from its standard input, where there are a server and its PVs.

Usage: example_side.py loop|"no loop"
"""

import ast
import asyncio
import inspect
import sys
import threading
import time

import aioca
import pcaspy
from pcaspy.tools import ServerThread

PVDB = {
    "TEMP": {"value": 20.5, "prec": 1, "unit": "C"},
    "HIGH": {"value": 24.0},
    "LOW": {"value": 18.0},
    "MODE": {"type": "enum", "enums": ["off", "on"]},
}


def main(loop):
    names = {name: getattr(aioca, name) for name in aioca.__all__}
    names |= {name: getattr(pcaspy, name) for name in pcaspy.__all__}
    names |= {"asyncio": asyncio, "time": time, "threading": threading}
    server = pcaspy.SimpleServer()
    server.createPV("X:", PVDB)
    names |= {"server": server, "driver": pcaspy.Driver()}
    code = compile(sys.stdin.read(), "example", "exec", ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)

    async def run():
        result = eval(code, names)
        if inspect.isawaitable(result):
            await result

    with ServerThread(server):
        if loop == "loop":
            asyncio.run(asyncio.wait_for(run(), 40))
        else:
            exec(code, names)
    server.close()


main(sys.argv[1])
