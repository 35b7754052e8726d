"""A client of the oscilloscope: get, put and monitor with aioca.

Start oscilloscope.py first. Usage: python client.py [SECONDS]
"""

import asyncio
import sys

from aioca import FORMAT_CTRL, FORMAT_TIME, caget, camonitor, caput

PREFIX = "testAPD:scope1:"
BARS = "▁▂▃▄▅▆▇█"
COLUMNS = 64


def show_value(value):
    """One line: name, value, and the unit or the label where there is one."""
    if hasattr(value, "enums"):
        print(f"  {value.name:34} {value.enums[value]}")
    else:
        print(f"  {value.name:34} {value:.{value.precision}f} {value.units}")


def show_picture(waveform):
    """The first two and a half divisions as a line of bars."""
    step = len(waveform) // 4 // COLUMNS
    points = waveform[: COLUMNS * step : step]
    levels = (points * len(BARS) / 10).astype(int).clip(0, len(BARS) - 1)
    print(f"  {waveform.datetime:%H:%M:%S.%f}  {''.join(BARS[n] for n in levels)}")


async def main(seconds):
    names = ["Run", "UpdateTime", "TimePerDivSelect", "NoiseAmplitude", "MaxValue_RBV"]
    print("get")
    for value in await caget([PREFIX + name for name in names], format=FORMAT_CTRL):
        show_value(value)

    print("monitor")
    subscription = camonitor(PREFIX + "Waveform_RBV", show_picture, format=FORMAT_TIME)
    await asyncio.sleep(seconds / 2)

    print("put")
    await caput(PREFIX + "VertGainSelect", "10", wait=True)
    await caput(PREFIX + "VoltsPerDivSelect", "0.20", wait=True)
    show_value(await caget(PREFIX + "VoltsPerDivSelect_RBV", format=FORMAT_CTRL))
    await asyncio.sleep(seconds / 2)
    subscription.close()


if __name__ == "__main__":
    try:
        asyncio.run(main(float(sys.argv[1]) if len(sys.argv) > 1 else 6))
    except KeyboardInterrupt:
        pass
