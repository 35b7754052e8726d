"""An IOC on ligo-softioc: channels of its own, status channels, an alarm."""

from ligo_softioc import SoftIOC
from ligo_softioc.alarm import Alarm, AlarmGroup

ioc = SoftIOC(prefix="X1:TST-IOC_", separate_server=True, process_period_sec=0.05)
ioc.add_channels(
    {
        "LEVEL": {"type": "float", "prec": 2, "unit": "m"},
        "VALVE": {"type": "enum", "enums": ["CLOSED", "OPEN"]},
        "NOTE": {"type": "str"},
        "SHAPE": {"type": "float", "count": 4},
        "DOUBLE": {"type": "float"},
    }
)


def process(driver, _now):
    """The application's own cycle."""
    driver.setParam("DOUBLE", 2 * driver.getParam("LEVEL"))


too_high = Alarm("high", "too high", lambda: ioc.getParam("LEVEL") > 10, pv="LEVEL")
group = AlarmGroup("tank", [too_high])
ioc.add(too_high)
ioc.add(group)
ioc.process_func = process
ioc.process_func_period_sec = 0.05
ioc.finalize_channels()
ioc.start()
