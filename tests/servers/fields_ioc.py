"""The reference IOC with the records of fields.db: `python fields_ioc.py PREFIX`."""

import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from epicscorelibs import ioc

from support.child_side import answer_commands, say


def main():
    ioc.iocshRegisterCommon()
    database = str(Path(__file__).with_name("fields.db"))
    ioc.start_ioc(database=database, macros=f"P={sys.argv[1]}")
    port = int(os.environ["EPICS_CAS_SERVER_PORT"])
    say("READY", {"tcp_port": port, "udp_port": port})
    answer_commands(lambda line: ioc.ioc(line))


if __name__ == "__main__":
    main()
