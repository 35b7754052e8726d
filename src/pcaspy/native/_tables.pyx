# distutils: language = c++
"""What the engine knows of itself: its options and counters, and what is alive."""

from pcaspy.native._cpp.config cimport (
    LimitTable, OptionInfo, OptionTable, limit_table, option_table)
from pcaspy.native._cpp.counters cimport CounterKind, CounterTable, counter_table
from pcaspy.native._cpp.instances cimport Counted, instance_name, living


def limits():
    """(name, standard, least, most, of what, what happens at it) of each limit."""
    cdef LimitTable table = limit_table()
    return [(table[i].name.decode(), table[i].standard, table[i].least, table[i].most,
             table[i].of.decode(), table[i].then.decode())
            for i in range(table.size())]


def options():
    """(name, kind, standard, least, most, variables, meaning) of what is no limit.

    The kind is "whole", "seconds", "switch" or "list"; a list begins empty. The first
    of the variables that is set counts.
    """
    cdef OptionTable table = option_table()
    cdef const OptionInfo* option
    found = []
    for i in range(table.size()):
        option = &table[i]
        kind = ("list" if option.is_list() else "switch" if option.is_switch() else
                "whole" if option.is_whole() else "seconds")
        variables = dict.fromkeys([option.variable.name.decode(),
                                   option.stand_in.name.decode()])
        found.append((option.name.decode(), kind, option.standard(), option.least,
                      option.most, tuple(variables), option.meaning.decode()))
    return found


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
