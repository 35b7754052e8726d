"""The reference IOC with access security: `python access_ioc.py PREFIX ACF`."""

import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from epicscorelibs import ioc

from support.child_side import answer_commands, say


def main():
    prefix, rules = sys.argv[1:3]
    ioc.iocshRegisterCommon()
    assert ioc.ioc(f"asSetFilename {rules}") == 0
    assert ioc.ioc(f"asSetSubstitutions P={prefix}") == 0
    database = str(Path(__file__).with_name("access.db"))
    ioc.start_ioc(database=database, macros=f"P={prefix}")
    port = int(os.environ["EPICS_CAS_SERVER_PORT"])
    say("READY", {"tcp_port": port, "udp_port": port})
    answer_commands(lambda do, name, value: ioc.ioc(f"dbpf {prefix}{name} {value}"))


if __name__ == "__main__":
    main()
