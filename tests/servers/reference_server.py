"""The reference IOC of epicscorelibs: `python reference_server.py DATABASE PREFIX`.

It starts the IOC as `python -m epicscorelibs.ioc -d` does, without the pvAccess part
and with commands in place of the interactive shell. Commands: post, units, deadband.
"""

import ctypes
import json
import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from epicscorelibs import ioc

from support.child_side import answer_commands, say


def iocsh(line):
    """Run one line of the IOC's shell."""
    if ioc.ioc(line):
        raise RuntimeError(line)


def c_environment(name):
    """A variable as C sees it: the IOC sets some after the interpreter's start."""
    getenv = ctypes.CDLL(None).getenv
    getenv.restype = ctypes.c_char_p
    found = getenv(name.encode())
    return found.decode() if found else None


def handle(do, name, prefix, value=None, units=None, width=None):
    """Answer one command."""
    if do == "post":
        words = json.dumps(value) if isinstance(value, list) else str(value)
        iocsh(f"dbpf '{prefix}{name}' '{words}'")
    elif do == "units":
        iocsh(f"dbpf '{prefix}{name}.EGU' '{units}'")
    elif do == "deadband":
        iocsh(f"dbpf '{prefix}{name}.MDEL' '{width}'")
        iocsh(f"dbpf '{prefix}{name}.ADEL' '{width}'")
    else:
        raise ValueError(do)


def main():
    database, prefix = sys.argv[1:3]
    ioc.start_ioc(database=database, macros=f"P={prefix}")
    iocsh(f"dbpf '{prefix}BIG' '{json.dumps([7] * 100_000)}'")
    port = c_environment("RSRV_SERVER_PORT") or os.environ["EPICS_CAS_SERVER_PORT"]
    udp_port = int(os.environ.get("EPICS_CAS_SERVER_PORT", "5064"))
    say("READY", {"tcp_port": int(port), "udp_port": udp_port})
    answer_commands(lambda **command: handle(prefix=prefix, **command))


if __name__ == "__main__":
    main()
