"""A PVAccess client of the oscilloscope: get, put and monitor with p4p.

Start the server with PVAccess first: PCASPY_PVA=YES python oscilloscope.py
Needs p4p. Usage: python scope_pva.py [SECONDS]
"""

import queue
import sys
import time

from p4p.client.thread import Context

PREFIX = "testAPD:scope1:"
BARS = "▁▂▃▄▅▆▇█"
COLUMNS = 64


def show_value(name, value):
    """One line: name, value, and the unit or the label where there is one."""
    raw = value.raw
    if raw.getID().startswith("epics:nt/NTEnum"):
        print(f"  {name:34} {raw.value.choices[raw.value.index]}")
    else:
        display = raw.display
        print(f"  {name:34} {value:.{display.precision}f} {display.units}")


def show_picture(waveform):
    """The first two and a half divisions as a line of bars."""
    step = len(waveform) // 4 // COLUMNS
    points = waveform[: COLUMNS * step : step]
    levels = (points * len(BARS) / 10).astype(int).clip(0, len(BARS) - 1)
    when = time.strftime("%H:%M:%S", time.localtime(waveform.timestamp))
    print(f"  {when}  {''.join(BARS[n] for n in levels)}")


def main(seconds):
    names = ["Run", "UpdateTime", "TimePerDivSelect", "NoiseAmplitude", "MaxValue_RBV"]
    with Context("pva") as client:
        print("get")
        full = [PREFIX + name for name in names]
        for name, value in zip(full, client.get(full), strict=True):
            show_value(name, value)

        print("monitor")
        updates = queue.Queue()  # filled by a thread of p4p
        subscription = client.monitor(PREFIX + "Waveform_RBV", updates.put)
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            try:
                show_picture(updates.get(timeout=left))
            except queue.Empty:
                break
        subscription.close()

        print("put")
        client.put(PREFIX + "NoiseAmplitude", 0.2, wait=True)
        client.put(PREFIX + "VertGainSelect", "10", wait=True)
        for name in ("NoiseAmplitude", "VoltsPerDivSelect"):
            show_value(PREFIX + name, client.get(PREFIX + name))


if __name__ == "__main__":
    try:
        main(float(sys.argv[1]) if len(sys.argv) > 1 else 3)
    except KeyboardInterrupt:
        pass
