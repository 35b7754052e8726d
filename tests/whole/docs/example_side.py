"""Runs examples where there are a server and its PVs.

Standard input has {name: code} as JSON; so has the last line of the output what each
raised.
"""

import ast
import asyncio
import inspect
import json
import sys
import threading
import time
import traceback

import aioca
import pcaspy
from pcaspy.tools import ServerThread

PVDB = {
    "TEMP": {"value": 20.5, "prec": 1, "unit": "C"},
    "HIGH": {"value": 24.0},
    "LOW": {"value": 18.0},
    "MODE": {"type": "enum", "enums": ["off", "on"]},
}


async def run(code, names):
    result = eval(code, names)
    if inspect.isawaitable(result):
        await result


def outcome(name, text, names):
    """What an example raised. That of `run` makes a loop, all others have one."""
    code = compile(text, "example", "exec", ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
    try:
        if name == "aioca.run":
            exec(code, names)
        else:
            asyncio.run(asyncio.wait_for(run(code, names), 40))
    except Exception:
        return traceback.format_exc()
    return ""


def main():
    names = {name: getattr(aioca, name) for name in aioca.__all__}
    names |= {name: getattr(pcaspy, name) for name in pcaspy.__all__}
    names |= {"asyncio": asyncio, "time": time, "threading": threading}
    outcomes = {}
    examples = json.load(sys.stdin)
    with pcaspy.SimpleServer() as server:
        server.createPV("X:", PVDB)
        names |= {"server": server, "driver": pcaspy.Driver()}
        with ServerThread(server):
            for name, code in examples.items():
                outcomes[name] = outcome(name, code, dict(names))
    print("\n" + json.dumps(outcomes))


main()
