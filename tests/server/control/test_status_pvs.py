"""Status PVs, seen through the control socket: as the PVs of a program."""

import pytest

from pcaspy.control.client import ControlError


def test_they_are_shown_and_take_puts(served):
    prefix = f"{served.prefix}IOC:"
    served.server.add_status(prefix)
    with served.connect() as control:
        rows = control.ask("pvs", match=f"{prefix}MEM_*")["rows"]
        assert [row["pv"].removeprefix(prefix) for row in rows] == [
            *("MEM_FREE", "MEM_MAX", "MEM_UPD_TIME", "MEM_USED"),
        ]
        control.ask("put", pv=f"{prefix}ACCESS", value="Test")
        assert control.ask("get", pv=f"{prefix}ACCESS")["value"] == "Test"
        with pytest.raises(ControlError, match="read"):
            control.ask("put", pv=f"{prefix}HEARTBEAT", value=1)
