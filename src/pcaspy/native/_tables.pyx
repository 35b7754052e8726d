# distutils: language = c++
"""What the engine knows of itself: its limits and counters, and what is alive."""

from pcaspy.native._cpp.config cimport LimitTable, limit_table
from pcaspy.native._cpp.counters cimport CounterKind, CounterTable, counter_table
from pcaspy.native._cpp.instances cimport Counted, instance_name, living


def limits():
    """(name, standard, least, most, of what, what happens at it) of each limit."""
    cdef LimitTable table = limit_table()
    return [(table[i].name.decode(), table[i].standard, table[i].least, table[i].most,
             table[i].of.decode(), table[i].then.decode())
            for i in range(table.size())]


def counters():
    """(name, kind, meaning) of each counter of `Server.stats`."""
    cdef CounterTable table = counter_table()
    kinds = {CounterKind.NOW: "now", CounterKind.EVER: "ever",
             CounterKind.TROUBLE: "trouble"}
    return [(table[i].name.decode(), kinds[table[i].kind], table[i].meaning.decode())
            for i in range(table.size())]


def instance_counts():
    """How many objects of each engine class are alive: {name: count}."""
    return {instance_name(<Counted>i).decode(): living(<Counted>i)
            for i in range(<int>Counted.kCount)}
