"""The reference: QSRV2 of pvxs, `python qsrv_side.py PREFIX DATABASE...`.

It runs in the environment "softioc". Its command is `shell`, a line for the IOC's.
"""

import ctypes
import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

from epicscorelibs.ioc import Com
from softioc import softioc

from support.child_side import answer_commands, say

_run = Com.iocshCmd
_run.argtypes = [ctypes.c_char_p]


def shell(line):
    if _run(line.encode()):
        raise RuntimeError(line)


def main():
    prefix, *databases = sys.argv[1:]
    for database in databases:
        softioc.dbLoadDatabase(database, substitutions=f"P={prefix}")
    softioc.iocInit(lambda *_call: None)
    port = int(os.environ["EPICS_PVAS_SERVER_PORT"])
    udp_port = int(os.environ["EPICS_PVAS_BROADCAST_PORT"])
    say("READY", {"pva_tcp_port": port, "pva_udp_port": udp_port})
    answer_commands(lambda do, line: shell(line))


if __name__ == "__main__":
    main()
