"""What a PV takes, counted where it can be counted: no other load changes it."""

import subprocess
import sys

import pytest

# Bytes of the process that a PV adds, from some to many: what is there once, and what
# tables have to spare, is in both. Names of 12 characters, a driver, no client.
PROGRAM = """
import gc, resource, sys
from pcaspy import Driver, SimpleServer

def resident():
    with open("/proc/self/statm") as statm:
        return int(statm.read().split()[1]) * resource.getpagesize()

def more(prefix):
    entries = {f"{i:06d}": {"value": 1.0} for i in range(COUNT)}
    gc.collect()
    before = resident()
    server.createPV(prefix, entries)
    return (resident() - before) / COUNT

COUNT = 80_000
server = SimpleServer(port=0, interfaces=["127.0.0.1"], auto_beacon_addresses=False)
server.createPV("FIRST:", {"value": {"value": 1.0}})
driver = Driver()
print(more("MEMORY:"))
"""
# 551 with Python 3.11; the allocators of others differ.
MOST_BYTES = 640


@pytest.mark.alone
@pytest.mark.skipif(sys.platform != "linux", reason="/proc says how much is in memory")
def test_a_pv_takes_little():
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM], stdout=subprocess.PIPE, text=True, check=True
    )
    assert 100 < float(done.stdout) < MOST_BYTES


def test_objects_have_no_dict_before_an_attribute_is_set():
    """An empty one is as large as half of the object, three times for each PV."""
    import gc

    from pcaspy import SimplePV
    from pcaspy.driver import Data, PVInfo

    info = PVInfo({"value": 1.0}, "X", "X")
    for thing in (info, SimplePV("X", info), Data()):
        assert not any(type(held) is dict for held in gc.get_referents(thing))
        thing.added = 1
        assert vars(thing)["added"] == 1
        assert thing.added == 1
        del thing.added
        assert not hasattr(thing, "added")
