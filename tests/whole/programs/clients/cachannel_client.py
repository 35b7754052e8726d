"""CaChannel: its waiting calls and its callbacks, and a server that returns."""

import ca
from CaChannel import CaChannel
from saying import DEADLINE, Updates, ask, attempt, seen
from scenario import NAMES, PREFIX, VALUES


def connected(name):
    """A channel that has found its PV."""
    channel = CaChannel(PREFIX + name)
    channel.setTimeout(DEADLINE)
    channel.searchw()
    return channel


channels = {name: connected(name) for name in NAMES}
for name, channel in channels.items():
    seen(name, [channel.field_type(), channel.element_count(), channel.state()])
    seen(name, [channel.read_access(), channel.write_access()])
    seen(name, channel.getw())
    seen(name, channel.getw(use_numpy=True))
    for family in (ca.dbf_type_to_DBR_STS, ca.dbf_type_to_DBR_CTRL):
        seen(name, channel.getw(family(channel.field_type())))
    if name not in ("DOUBLE", "CHARS", "LONG", "SHORT", "ARRAY", "LONGS"):
        seen(name, channel.getw(ca.DBR_STRING))

for name, value in VALUES.items():
    done = Updates()
    channel = channels[name]

    def finished(args, _user, done=done):
        done(args["status"])

    try:
        channel.array_put_callback(value, None, None, finished)
        channel.flush_io()
        seen(name, done.until(ca.ECA_NORMAL))
    except Exception as error:
        seen(name, f"{type(error).__name__}: {error}")
    seen(name, channel.getw())
attempt("label", channels["ENUM"].putw, "On")
attempt("label", channels["ENUM"].getw)

steps, links = Updates(), Updates()
monitored = CaChannel()
monitored.setTimeout(DEADLINE)


def linked(_args, _user):
    links(monitored.state() == ca.cs_conn)


monitored.search_and_connect(PREFIX + "STEPS", linked)
monitored.flush_io()
seen("connected", links.until(True))
monitored.add_masked_array_event(
    ca.DBR_STS_LONG,
    None,
    ca.DBE_VALUE | ca.DBE_ALARM,
    lambda args, _user: steps(args["pv_value"]),
)
monitored.flush_io()
seen("first", steps.until(0))
trigger = connected("TRIGGER")
trigger.putw(1)
seen("steps", steps.until(13))
ask("stop")
seen("left", links.until(False))
ask("start")
seen("back", links.until(True))
seen("again", steps.reach(0))
trigger.searchw()
trigger.putw(2)
seen("steps", steps.until(23))
seen("value", channels["DOUBLE"].getw())
