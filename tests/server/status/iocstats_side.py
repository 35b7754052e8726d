"""An IOC with devIocStats, `python iocstats_side.py NAME`: the reference.

It runs in the environment "softioc". READY has the names of its records.
"""

import re
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

import softioc
from softioc import softioc as ioc

from support.child_side import answer_commands, say

DATABASES = Path(softioc.__file__).parent / "iocStats" / "iocAdmin" / "Db"
GENERAL_TIME = DATABASES / "iocGeneralTime.template"


def records(name):
    """Of the files that are loaded."""
    found = set()
    for file in ("ioc.template", "iocGeneralTime.template"):
        text = (DATABASES / file).read_text()
        for stem in re.findall(r'(?:record\(\s*\w+,|alias\()\s*"([^"]+)"', text):
            found.add(re.sub(r"\$\(IOCNAME\)(\$\(SEP=:\)|:)", "", stem))
    return sorted(found)


def main():
    name = sys.argv[1]
    ioc.devIocStats(name)
    ioc.dbLoadDatabase(str(GENERAL_TIME), substitutions=f"IOCNAME={name}")
    ioc.iocInit(lambda *_call: None)
    say("READY", {"records": records(name)})
    answer_commands(lambda do: None)


if __name__ == "__main__":
    main()
