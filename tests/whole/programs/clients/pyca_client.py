"""pyca, by its layer `psp`: gets, puts, monitors, and a server that returns."""

import pyca
from psp import Pv
from saying import DEADLINE, Updates, ask, seen
from scenario import NAMES, PREFIX, VALUES

LEFT_OUT = ("secs", "nsec")
pvs = {name: Pv.Pv(PREFIX + name) for name in NAMES}
for name, pv in pvs.items():
    pv.connect(DEADLINE)
    seen(name, [pv.type(), pv.count, pv.isconnected])
    for ctrl in (False, True):
        seen(name, pv.get(ctrl=ctrl, timeout=DEADLINE))
        seen(name, {k: v for k, v in pv.data.items() if k not in LEFT_OUT})
seen("labels", pvs["ENUM"].get_enum_set(timeout=DEADLINE))
seen("text", pvs["CHARS"].get(as_string=True, timeout=DEADLINE))

for name, value in VALUES.items():
    try:
        # A short array stays as it is behind what is put: see pyca's own put.
        pvs[name].put(tuple(value) if isinstance(value, list) else value, DEADLINE)
        seen(name, "done")
    except pyca.caexc as error:
        seen(name, f"{type(error).__name__}: {error}")
    seen(name, pvs[name].get(timeout=DEADLINE))

steps, links = Updates(), Updates()
monitored = Pv.Pv(PREFIX + "STEPS")
monitored.add_connection_callback(links)
monitored.add_monitor_callback(lambda _error: steps(monitored.value))
monitored.connect(DEADLINE)
seen("connected", links.until(True))
monitored.monitor(wait_for_init=False)
pyca.flush_io()
seen("first", steps.until(0))
trigger = Pv.Pv(PREFIX + "TRIGGER")
trigger.connect(DEADLINE)
trigger.put(1.0, DEADLINE)
seen("steps", steps.until(13))
again = Updates()
trigger.add_connection_callback(again)
ask("stop")
seen("left", [links.until(False), again.reach(False)])
ask("start")
seen("back", [links.until(True), again.reach(True)])
seen("again", steps.reach(0))
trigger.put(2.0, DEADLINE)
seen("steps", steps.until(23))
seen("value", pvs["DOUBLE"].get(timeout=DEADLINE))
