"""caproto's threading client: requests, subscriptions, and a server that returns."""

from caproto.threading.client import Context
from saying import DEADLINE, Updates, ask, seen
from scenario import NAMES, PREFIX, VALUES

context = Context(timeout=DEADLINE)
links = Updates()


def described(reply):
    """Data and metadata of a reply without its time."""
    fields = {}
    if reply.metadata is not None and not isinstance(reply.metadata, bytes):
        names = [field[0] for field in type(reply.metadata)._fields_]
        names = [
            n for n in names if n not in ("stamp", "secondsSinceEpoch", "nanoSeconds")
        ]
        fields = {name: getattr(reply.metadata, name, None) for name in names}
        if "strs" in fields:
            labels = list(fields["strs"])[: fields["no_str"]]
            fields["strs"] = [label.value for label in labels]
    return [
        reply.data_type.name,
        reply.data_count,
        reply.data,
        reply.status.name,
        fields,
    ]


pvs = dict(zip(NAMES, context.get_pvs(*(PREFIX + name for name in NAMES)), strict=True))
for name, pv in pvs.items():
    pv.wait_for_connection(timeout=DEADLINE)
    channel = pv.channel
    seen(name, [channel.native_data_type.name, channel.native_data_count])
    seen(name, str(channel.access_rights))
    for kind in ("native", "status", "time", "graphic", "control"):
        seen(name, described(pv.read(data_type=kind, timeout=DEADLINE)))

for name, value in VALUES.items():
    try:
        reply = pvs[name].write(value, wait=True, timeout=DEADLINE)
        seen(name, reply.status.name)
    except Exception as error:
        seen(name, type(error).__name__)
    seen(name, described(pvs[name].read(timeout=DEADLINE)))

steps = Updates()


# caproto keeps callbacks by weak references: this one lives as long as the program.
def linked(pv, state):
    """One of the two PVs has come or gone."""
    links([pv.name, state])


monitored, trigger = context.get_pvs(
    PREFIX + "STEPS",
    PREFIX + "TRIGGER",
    connection_state_callback=linked,
)
for pv in (monitored, trigger):
    pv.wait_for_connection(timeout=DEADLINE)
    links.reach([pv.name, "connected"])
subscription = monitored.subscribe(data_type="time")


def stepped(_subscription, reply):
    steps(int(reply.data[0]))


subscription.add_callback(stepped)
seen("first", steps.until(0))
trigger.write(1, wait=True, timeout=DEADLINE)
seen("steps", steps.until(13))
ask("stop")
seen("left", links.reach([monitored.name, "disconnected"]))
ask("start")
seen("back", links.reach([monitored.name, "connected"]))
seen("again", steps.reach(0))
trigger.wait_for_connection(timeout=DEADLINE)
trigger.write(2, wait=True, timeout=DEADLINE)
seen("steps", steps.until(23))
seen("value", described(pvs["DOUBLE"].read(timeout=DEADLINE)))
context.disconnect()
