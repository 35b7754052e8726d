"""The IOC of epicscorelibs with any database: `python ioc_side.py DATABASE`.

Commands: `line`, a line for the IOC's shell.
"""

import sys

from child_side import answer_commands, say
from epicscorelibs import ioc


def run(line):
    if ioc.ioc(line):
        raise RuntimeError(line)


ioc.start_ioc(database=sys.argv[1])
say("READY", {})
answer_commands(run)
