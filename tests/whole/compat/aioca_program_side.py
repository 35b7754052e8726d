"""Runs programs of aioca calls, and tells everything that a program can see.

Started by test_aioca_generated.py with the released package and with this one.
"""

import asyncio
import contextlib
import io
import time
import warnings

warnings.simplefilter("ignore")

import numpy  # noqa: E402
from child_side import answer_commands, say  # noqa: E402
from epicscorelibs.ca import cadef  # noqa: E402

import aioca  # noqa: E402

SECONDS = 30
TYPES = {"int": int, "float": float, "str": str, "bool": bool, "bytes": bytes}
START = {
    "DOUBLE": 3.0, "LONG": 5, "ENUM": 0, "BINARY": 0, "STRING": "hello",
    "W:DOUBLE": [0.5, 1.5, 2.5], "W:LONG": [1, -2, 3], "W:CHAR": [97, 98, 200],
    "W:STRING": ["one", "two", "three"],
}  # fmt: skip
MARK = "TARGET2"


def tell(value):
    """Everything that can be seen of a value, an outcome or an exception."""
    if isinstance(value, list):
        return [tell(item) for item in value]
    if isinstance(value, cadef.CAException):
        return ["CAException", value.status, value.function.__name__]
    if isinstance(value, cadef.Disconnected):
        return ["Disconnected", value.name]
    if isinstance(value, aioca.CANothing):
        return ["CANothing", value.name, value.errorcode, value.ok]
    if isinstance(value, aioca.CAInfo):
        return {k: v for k, v in vars(value).items() if k != "host"}
    kind = f"{type(value).__module__}.{type(value).__name__}"
    if isinstance(value, BaseException):
        return [kind]
    fields = {
        key: "" if key in ("raw_stamp", "timestamp") else repr(held)
        for key, held in vars(value).items()
    }
    if isinstance(value, numpy.ndarray):
        if value.datatype == 38:  # EPICS' server fills the first element only
            value = value[:1]
        shown = [str(value.dtype), value.shape, [repr(item) for item in value.tolist()]]
    else:
        shown = [repr(+value), type(+value).__name__]
    return [kind, shown, fields]


async def until(condition):
    deadline = time.monotonic() + SECONDS
    while not condition():
        assert time.monotonic() < deadline, "nothing happened"
        await asyncio.sleep(0.001)


class Program:
    """One program and what it saw."""

    def __init__(self, prefix):
        self.prefix = prefix
        self.monitors = []
        self.heard = []
        self.marks = []
        self.mark = 0

    def full(self, names):
        if isinstance(names, list):
            return [self.prefix + name for name in names]
        return self.prefix + names

    async def write_start(self):
        await aioca.caput([self.prefix + n for n in START], list(START.values()),
                          wait=True, timeout=SECONDS)  # fmt: skip

    async def begin(self):
        await self.write_start()
        await aioca.caput(self.prefix + MARK, 0, wait=True)
        aioca.camonitor(self.prefix + MARK, self.marks.append, all_updates=True)
        await until(lambda: self.marks)

    async def settle(self):
        """Until the updates so far are here: those of a circuit come in order."""
        self.mark += 1
        await aioca.caput(self.prefix + MARK, self.mark, wait=True, timeout=SECONDS)
        await until(lambda: self.marks[-1] == self.mark)
        await asyncio.sleep(0.002)

    async def step(self, step):
        options = dict(step.get("options", {}))
        if isinstance(options.get("datatype"), str):
            options["datatype"] = TYPES.get(options["datatype"], options["datatype"])
        do = step["do"]
        if do == "monitor":
            return await self.subscribe(step, options)
        if do == "close":
            self.monitors[step["which"]].close()
            return self.monitors[step["which"]].state
        if do == "infos":
            return sorted(
                [info.name, info.connected, info.subscriber_count]
                for info in aioca.get_channel_infos()
            )
        arguments = [self.full(step["names"])]
        if "value" in step:
            arguments.append(step["value"])
        missing = "NO:SUCH:PV" in step["names"]
        timeout = 0.05 if missing else SECONDS
        kind = options.pop("timeout", None)
        if kind == "until":
            timeout = (time.time() + timeout,)
        elif kind == "none" and not missing:
            timeout = None
        try:
            return tell(
                await getattr(aioca, do)(*arguments, timeout=timeout, **options)
            )
        except Exception as error:
            return ["raised", tell(error)]

    async def subscribe(self, step, options):
        number = len(self.monitors)

        def heard(value):
            self.heard.append([number, tell(value)])

        async def awaited(value):
            await asyncio.sleep(0)
            heard(value)

        monitor = aioca.camonitor(
            self.full(step["names"]), awaited if step["awaited"] else heard, **options
        )
        self.monitors.append(monitor)
        before = len(self.heard)
        with contextlib.suppress(AssertionError):
            deadline = time.monotonic() + 0.3
            while len(self.heard) == before and monitor.state != monitor.CLOSED:
                assert time.monotonic() < deadline
                await asyncio.sleep(0.001)
        return [monitor.state, monitor.name, monitor.all_updates]

    async def resume(self):
        """The server was restarted. Its first calls come before its loss is seen."""
        values = await aioca.caget(
            [self.prefix + name for name in START], timeout=SECONDS, throw=False
        )
        await self.write_start()
        await self.settle()
        await until(lambda: all(m.state != m.OPENING for m in self.monitors))
        last = dict(self.heard)
        self.heard.clear()
        return [tell(values), sorted(last.items()), [m.state for m in self.monitors]]

    async def run(self, steps, begins, ends):
        told = []
        if begins:
            await self.begin()
        else:
            told.append(await self.resume())
        for step in steps:
            said = io.StringIO()
            with contextlib.redirect_stderr(said):
                result = await self.step(step)
                await self.settle()
            lines = [x for x in said.getvalue().splitlines() if x.startswith("Subscr")]
            # By subscription: the order between two of them is the server's.
            heard = sorted(self.heard, key=lambda one: one[0])
            self.heard.clear()
            told.append([result, heard, lines])
        if ends:
            told.append([[m.state, m.dropped_callbacks] for m in self.monitors])
            for monitor in self.monitors:
                monitor.close()
        return told


# One loop for all programs: each would search anew.
LOOP = asyncio.new_event_loop()
CURRENT = []


def run(prefix, steps, begins, ends):
    if begins:
        CURRENT.append(Program(prefix))
        del CURRENT[:-1]
    return LOOP.run_until_complete(CURRENT[0].run(steps, begins, ends))


say("READY", {})
answer_commands(run)
