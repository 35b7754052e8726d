"""Writes each update of some PVs as a line of CSV: time, name, value, severity.

A connection that is lost is a line too. No update is left out. Ends with Ctrl-C.
Usage: python logger.py [--file FILE] PV [PV ...]
"""

import argparse
import asyncio
import contextlib
import csv
import sys
from datetime import datetime

from aioca import FORMAT_TIME, CANothing, camonitor

SEVERITIES = ("NO_ALARM", "MINOR", "MAJOR", "INVALID")


def row(value):
    """The fields of a line."""
    if isinstance(value, CANothing):
        now = datetime.now().isoformat(timespec="microseconds")
        return now, value.name, "", "DISCONNECTED"
    shown = " ".join(map(str, value)) if value.element_count > 1 else str(value)
    time = value.datetime.isoformat(timespec="microseconds")
    return time, value.name, shown, SEVERITIES[value.severity]


async def main(names, file):
    writer = csv.writer(file, lineterminator="\n")

    def write(value, _index):
        writer.writerow(row(value))
        file.flush()

    camonitor(
        names, write, format=FORMAT_TIME, all_updates=True, notify_disconnect=True
    )
    await asyncio.Event().wait()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("names", metavar="PV", nargs="+")
    parser.add_argument("--file", help="is added to; default is standard output")
    options = parser.parse_args()
    file = (
        open(options.file, "a") if options.file else contextlib.nullcontext(sys.stdout)
    )
    try:
        with file as lines:
            asyncio.run(main(options.names, lines))
    except KeyboardInterrupt:
        pass
