"""pyepics: PVs of all kinds, puts with callbacks, monitors, a server that returns."""

import epics
from saying import DEADLINE, Updates, ask, attempt, seen
from scenario import NAMES, PREFIX, VALUES

FIELDS = """
    type count nelm read_access write_access units precision severity status enum_strs
    upper_disp_limit lower_disp_limit upper_alarm_limit lower_alarm_limit
    upper_warning_limit lower_warning_limit upper_ctrl_limit lower_ctrl_limit
""".split()

pvs = {}
for name in NAMES:
    pvs[name] = pv = epics.PV(PREFIX + name, form="ctrl", auto_monitor=False)
    seen(name, pv.wait_for_connection(DEADLINE))
    seen(name, pv.get(timeout=DEADLINE))
    seen(name, pv.get(as_string=True, timeout=DEADLINE))
    seen(name, {field: getattr(pv, field) for field in FIELDS})

VALUES = {**VALUES, "ENUM": "Broken", "CHARS": "another text"}
for name, value in VALUES.items():
    attempt(name, pvs[name].put, value, wait=True, timeout=DEADLINE)
    attempt(name, pvs[name].get, timeout=DEADLINE)
done = Updates()
attempt("callback", pvs["SLOW"].put, 3.0, callback=lambda **_: done("SLOW"))
seen("callback", done.until("SLOW"))
attempt("wrong label", pvs["ENUM"].put, "Nothing", wait=True, timeout=DEADLINE)

steps, links = Updates(), Updates()
monitored = epics.PV(
    PREFIX + "STEPS",
    auto_monitor=True,
    callback=lambda value=None, **_: steps(value),
    connection_callback=lambda conn=None, **_: links(conn),
)
seen("first", [links.until(True), steps.until(0)])
epics.caput(PREFIX + "TRIGGER", 1, wait=True, timeout=DEADLINE)
seen("steps", steps.until(13))

ask("stop")
seen("left", links.until(False))
ask("start")
seen("back", links.until(True))
seen("again", steps.reach(0))
epics.caput(PREFIX + "TRIGGER", 2, wait=True, timeout=DEADLINE)
seen("steps", steps.until(23))
seen("value", pvs["DOUBLE"].get(timeout=DEADLINE))
