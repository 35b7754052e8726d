"""cothread: its gets, puts and monitors, and a server that returns."""

import cothread
from cothread import catools
from saying import DEADLINE, ask, attempt, seen
from scenario import NAMES, PREFIX, VALUES


def described(value):
    """A value with all that came with it but its time."""
    fields = {
        k: v for k, v in vars(value).items() if k not in ("raw_stamp", "timestamp")
    }
    return {"value": +value, **fields}


for name in NAMES:
    pv = PREFIX + name
    info = catools.cainfo(pv, timeout=DEADLINE)
    seen(name, [info.ok, info.count, info.datatype, info.read, info.write])
    for form in (catools.FORMAT_RAW, catools.FORMAT_TIME, catools.FORMAT_CTRL):
        seen(name, described(catools.caget(pv, format=form, timeout=DEADLINE)))
seen("text", +catools.caget(PREFIX + "CHARS", datatype=catools.DBR_CHAR_STR))
seen("label", +catools.caget(PREFIX + "ENUM", datatype=catools.DBR_ENUM_STR))

for name, value in {**VALUES, "ENUM": "Broken"}.items():
    put = catools.caput(PREFIX + name, value, wait=True, timeout=DEADLINE, throw=False)
    seen(name, [put.ok, put.errorcode])
    seen(name, +catools.caget(PREFIX + name, timeout=DEADLINE))
attempt("wrong label", catools.caput, PREFIX + "ENUM", "Nothing", wait=True)
attempt("nobody", catools.caget, PREFIX + "NONE", timeout=0.5)

steps = cothread.EventQueue()


def until(wanted):
    """Updates up to and with the one that equals this."""
    found = []
    while not found or found[-1] != wanted:
        value = steps.Wait(DEADLINE)
        found.append(+value if value.ok else "gone")
    return found


catools.camonitor(
    PREFIX + "STEPS",
    steps.Signal,
    notify_disconnect=True,
    all_updates=True,
    format=catools.FORMAT_TIME,
)
seen("first", until(0))
catools.caput(PREFIX + "TRIGGER", 1, wait=True)
seen("steps", until(13))
ask("stop")
seen("left", until("gone"))
ask("start")
seen("back", until(0)[-1])
catools.caput(PREFIX + "TRIGGER", 2, wait=True, timeout=DEADLINE)
seen("steps", until(23))
seen("value", +catools.caget(PREFIX + "DOUBLE", timeout=DEADLINE))
