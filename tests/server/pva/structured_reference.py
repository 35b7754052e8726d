"""p4p's server with the same table and image: `python structured_reference.py PREFIX`.

Runs in the environment "p4p".
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

import structured_values as values
from p4p.nt import NTNDArray, NTTable
from p4p.server import Server
from p4p.server.thread import SharedPV

from support.child_side import answer_commands, say

CODES = {"double": "d", "int": "i", "string": "s", "uint8": "B"}


def main():
    prefix = sys.argv[1]
    columns = [(name, CODES[kind]) for name, kind in values.COLUMNS.items()]
    wrapper = NTTable(columns)
    table = SharedPV(initial=wrapper.Value(wrapper.type, {"labels": values.LABELS}))
    image = SharedPV(nt=NTNDArray(), initial=values.image("u1", (1, 1), 0))

    def answer(do, seed, dtype=None, shape=None):
        if do == "table":
            table.post(
                wrapper.Value(
                    wrapper.type, {"labels": values.LABELS, "value": values.table(seed)}
                )
            )
        else:
            image.post(values.image(dtype, tuple(shape), seed))

    with Server([{prefix + "TABLE": table, prefix + "IMAGE": image}]) as server:
        ports = server.conf()
        say(
            "READY",
            {
                "pva_udp_port": int(ports["EPICS_PVAS_BROADCAST_PORT"]),
                "pva_tcp_port": int(ports["EPICS_PVAS_SERVER_PORT"]),
            },
        )
        answer_commands(answer)


if __name__ == "__main__":
    main()
