"""What programs found in public repositories do with pcaspy, as programs of our own.

Each runs on the released package and on this one, and a client must see the same.
"""

from __future__ import annotations

import pytest
from program_client import Client
from program_sides import SERVERS, assert_refused, on_both

from support import dbr, wire

pytestmark = pytest.mark.timeout(600)


def run(name, drive, *argv):
    """One of our programs on both sides."""
    return on_both("pcaspy", [str(SERVERS / f"{name}.py"), *argv], drive)


def text(client, name):
    """The text in an array of characters."""
    found = client.value(name)
    return bytes(found if isinstance(found, list) else [found]).rstrip(b"\0").decode()


def put_text(client, name, value):
    """Put a text into an array of characters."""
    return client.put(name, *value.encode(), 0)


def test_pvs_that_a_client_asks_for():
    def drive(client, program):
        client.connect("RELAY:names")
        client.subscribe("RELAY:names")
        seen = [client.is_found("RELAY:nothing", "RELAY:names")]
        for name, values in {
            "single_f1": (2.5,),
            "zero_i1": (0,),
            "wave_f4": (1.0, 2.0, 3.0),
            "numbers_i3": (7, 8),
        }.items():
            seen.append(client.connect(f"RELAY:{name}"))
            seen.append(client.subscribe(f"RELAY:{name}"))
            seen.append(client.put(f"RELAY:{name}", *values))
            seen.append(client.get(f"RELAY:{name}"))
            seen.append(text(client, "RELAY:names"))
        seen.append(client.connect("RELAY:note_c40"))
        seen.append(put_text(client, "RELAY:note_c40", "hello"))
        seen.append(text(client, "RELAY:note_c40"))
        client.subscribe("RELAY:last_I3")
        for number in range(1, 6):
            seen.append(client.put("RELAY:last_I3", number))
            seen.append(client.get("RELAY:last_I3"))
        seen.append(put_text(client, "RELAY:delete", "wave_f4"))
        seen.append(text(client, "RELAY:names"))
        return seen

    run("relay", drive)


def test_tables_that_are_edited():
    def drive(client, program):
        names = "STRENGTH STATE WAVE TEXT STATUS".split()
        seen = [client.connect(f"TABLES:{name}") for name in names]
        for name in names:
            client.subscribe(f"TABLES:{name}", dbr.TIME)
        client.subscribe("TABLES:STRENGTH", dbr.TIME)
        seen.append(client.put("TABLES:LIMITS", -2.0, 2.0))
        seen.append(client.get("TABLES:STRENGTH"))
        for value in (1.5, 2.0, -3.0, 0.0):
            seen.append(client.put("TABLES:STRENGTH", value))
            seen.append(client.get("TABLES:STRENGTH"))
            seen.append(client.updates_so_far("TABLES:STRENGTH"))
        for status in (3, 1, 0):
            seen.append(client.put("TABLES:STATUS", status))
            for name in names:
                seen.append(client.get(f"TABLES:{name}"))
                seen.append(client.updates_so_far(f"TABLES:{name}"))
        for reason in ("STRENGTH", "WAVE", "STATE"):
            seen.append(client.put("TABLES:FIELDS", reason))
            seen.append(client.get("TABLES:FIELDS"))
        for value in (1, 0):
            seen.append(client.put("TABLES:STATE", value))
            seen.append(client.updates_so_far("TABLES:STATE"))
        return seen

    run("tables", drive)


def test_pvs_that_are_created_again_while_they_are_used():
    def drive(client, program):
        client.subscribe("TABLES:STRENGTH")
        seen = [client.put("TABLES:STRENGTH", 4.0), client.update("TABLES:STRENGTH")]
        seen.append(put_text(client, "TABLES:ADD", "NEW"))
        for name in ("STRENGTH", "ADD"):
            client.wait_until_ended(f"TABLES:{name}")
        seen.append(client.connect("TABLES:NEW"))
        seen.append(client.get("TABLES:NEW"))
        seen.append(put_text(client, "TABLES:NEW", "fresh"))
        seen.append(text(client, "TABLES:NEW"))
        seen.append(client.connect("TABLES:STRENGTH"))
        seen.append(client.get("TABLES:STRENGTH"))
        seen.append(client.put("TABLES:STRENGTH", 5.0))
        seen.append(client.value("TABLES:STRENGTH"))
        seen.append(put_text(client, "TABLES:REMOVE", "NEW"))
        client.wait_until_ended("TABLES:NEW")
        seen.append(client.is_found("TABLES:NEW", "TABLES:STRENGTH"))
        seen.append(put_text(client, "TABLES:ADD", "NEW"))
        seen.append(client.connect("TABLES:NEW"))
        return seen

    run("tables", drive)


def test_a_library_on_simple_pv():
    def drive(client, program):
        names = [f"LIB:{name}" for name in "CHECKED MIRROR SLOW LABEL".split()]
        seen = [client.connect(name) for name in names]
        seen += [client.subscribe(name) for name in names]
        for value in (3.5, -1.0, 3.5, 4.0):
            seen.append(client.put("LIB:CHECKED", value))
            seen.append(client.get("LIB:CHECKED"))
            seen.append(client.get("LIB:MIRROR"))
        client.write("LIB:CHECKED", 6.0)
        seen.append(client.reach("LIB:MIRROR", 6))
        started = [client.start_put("LIB:SLOW", value) for value in (1.0, 2.0)]
        seen += [client.put_result(one) for one in started]
        seen += [client.get(name) for name in names]
        seen += [client.updates_so_far(name) for name in ("LIB:SLOW", "LIB:LABEL")]
        return seen

    run("simple_pv_library", drive)


LOW = "float int text enum async failing array floats poke none"


def test_a_library_on_the_low_level():
    def drive(client, program):
        names = [f"LOW:{name}" for name in LOW.split()]
        seen = [client.connect(name) for name in names]
        for family in (dbr.PLAIN, dbr.STS, dbr.TIME, dbr.GR, dbr.CTRL):
            seen += [client.get(name, family) for name in names]
        # A first reading that fails: told as such there, here the last value.
        first = {name: client.subscribe(name) for name in names}
        seen += [first[name] for name in names if name != "LOW:none"]
        for name, value in {"float": 0.3, "int": 7, "text": "hello", "enum": 1}.items():
            seen.append(client.put(f"LOW:{name}", value))
            seen.append(client.get(f"LOW:{name}"))
            seen.append(client.updates_so_far(f"LOW:{name}"))
        seen.append(client.put("LOW:failing", 5.0))
        seen.append(client.get("LOW:failing"))
        seen.append(client.put("LOW:none", 2.0))
        seen.append(client.get("LOW:none"))
        seen.append(client.put("LOW:poke", 1.0))
        seen += [client.get(name) for name in names]
        seen += [client.updates_so_far(name) for name in names]
        seen.append(client.put("LOW:array", *range(5)))
        seen.append(client.get("LOW:array"))
        seen.append(client.put("LOW:enum", "c", base=dbr.STRING))
        seen.append(client.get("LOW:enum", base=dbr.STRING))
        seen.append(client.put("LOW:float", "0.45", base=dbr.STRING))
        seen.append(client.get("LOW:float"))
        started = [client.start_put("LOW:async", value) for value in (12.0, 3.0)]
        seen += [client.put_result(one) for one in started]
        seen.append(client.get("LOW:async"))
        seen += [client.updates_so_far(name) for name in names]
        return seen

    run("low_level_library", drive)


@pytest.mark.parametrize("how", ["loop", "thread"])
def test_servers_that_are_made_anew(how):
    def drive(client, program):
        seen = []
        for extra in ("A", "B"):
            seen.append(client.connect("AGAIN:A"))
            seen.append(client.get("AGAIN:A"))
            seen.append(client.put("AGAIN:A", 2.5))
            seen.append(client.get("AGAIN:A"))
            seen.append(client.value(f"AGAIN:{extra}"))
            client.write("AGAIN:TELL", 1.0)
            client.wait_for_end()
        seen.append(client.connect("AGAIN:A"))
        return seen

    run("replaced", drive, how)


def test_a_server_in_a_process_of_its_own():
    def drive(client, program):
        names = "X Y SUM IMAGE:NDimensions_RBV IMAGE:ArraySize_RBV IMAGE:ArrayData_RBV"
        names = [f"MODEL:{name}" for name in (*names.split(), "IMAGE:Dimensions_RBV")]
        seen = [client.connect(name) for name in names]
        seen += [client.get(name) for name in names]
        client.subscribe("MODEL:SUM")
        client.subscribe("MODEL:IMAGE:ArrayData_RBV")
        seen.append(client.put("MODEL:X", 3.0))
        seen.append(client.reach("MODEL:SUM", 5.0))
        seen.append(client.update("MODEL:IMAGE:ArrayData_RBV"))
        assert_refused(client.put("MODEL:SUM", 1.0), program)
        seen.append(client.get("MODEL:SUM"))
        seen.append(client.put("MODEL:Y", -1.0))
        seen.append(client.reach("MODEL:SUM", 2.0))
        return seen

    run("in_a_process", drive)


@pytest.mark.parametrize("overrides", ["nothing", "read"])
def test_a_driver_with_parameters_of_its_own(overrides):
    def drive(client, program):
        seen = [client.connect("HEIR:A"), client.get("HEIR:A"), client.get("HEIR:W")]
        seen += [client.subscribe("HEIR:A"), client.put("HEIR:A", 2.5)]
        seen += [client.update("HEIR:A"), client.get("HEIR:A")]
        for number in (1.0, 2.0):
            seen.append(client.put("HEIR:NEXT", number))
            seen.append(client.connect(f"HEIR:MORE{number:g}"))
            seen.append(client.get(f"HEIR:MORE{number:g}"))
            seen.append(client.get("HEIR:A"))
            seen.append(client.put("HEIR:A", number))
            seen.append(client.reach("HEIR:A", number))
        return seen

    run("own_parameters", drive, overrides)


def test_a_manager_of_the_program_s_own():
    def drive(client, program):
        seen = [client.connect("OWN:A"), client.get("OWN:A"), client.put("OWN:A", 2.5)]
        seen += [client.get("OWN:A"), client.put("OWN:ADD", 0.1)]
        seen += [client.connect("OWN:SCANNED"), client.put("OWN:SCANNED", 6.0)]
        client.subscribe("OWN:SCANNED")
        seen.append(client.put("OWN:SCANNED", 7.0))
        seen += [client.reach("OWN:SCANNED", 7.0), client.get("OWN:A")]
        return seen

    run("own_manager", drive)


RULES = str(SERVERS / "access_rules.acf")


def test_an_oscilloscope_with_rules():
    def drive(client, program):
        pvs = """
            Run ReadOnly UpdateTime Waveform TimeBase Image ImageWidth String Message
            Float Bits Infinity
        """.split()
        names = [f"SCOPE:{name}" for name in pvs]
        client.connect("SCOPE:Run")
        client.wait_for_rights("SCOPE:Run", 3)
        seen = [client.connect(name) for name in names]
        seen += [client.get(name, family) for name in names for family in (14, 28)]
        seen += [client.subscribe(name) for name in names]
        for value in (0.9, -1.1, 0.0):
            seen.append(client.put("SCOPE:Float", value))
            seen.append(client.updates_so_far("SCOPE:Float"))
        seen.append(client.put("SCOPE:UpdateTime", 0.0001))
        seen.append(client.get("SCOPE:UpdateTime"))
        seen.append(client.put("SCOPE:Run", "RUN", base=dbr.STRING))
        for number in (1.0, 2.0, 5.0):
            seen.append(client.reach("SCOPE:Waveform", [number] * 1000))
            image = client.update("SCOPE:Image")
            seen += [len(image.pop("value")), image]
        seen.append(client.put("SCOPE:ReadOnly", 1))
        client.wait_for_rights("SCOPE:Run", 1)
        seen.append(client.put("SCOPE:Run", 0))
        seen.append(put_text(client, "SCOPE:Message", "hello"))
        seen.append(text(client, "SCOPE:Message"))
        seen.append(client.put("SCOPE:ReadOnly", 0))
        client.wait_for_rights("SCOPE:Run", 3)
        seen += [client.put("SCOPE:Run", 0), client.get("SCOPE:Run")]
        return seen

    run("testing_ioc", drive, RULES)


def test_rules_for_puts():
    def drive(client, program):
        names = [f"TANK:{name}" for name in "LEVEL FILL FLOW MODE LOST".split()]
        client.connect("TANK:LEVEL")
        seen = [client.rights("TANK:LEVEL")]
        client.connect("TANK:FILL")
        for level, rights in ((2.0, 3), (6.0, 1), (5.0, 1), (4.9, 3)):
            seen.append(client.put("TANK:LEVEL", level))
            client.wait_for_rights("TANK:FILL", rights)
            seen += [client.put("TANK:FILL", level), client.value("TANK:FILL")]
        seen += [client.connect(name) for name in names]
        for name in names:
            seen += [client.put(name, 1), client.get(name)]
        return seen

    run("tank", drive, RULES)


def test_rules_for_users_and_hosts():
    def drive(_client, program):
        seen = []
        for user in ("operator", "visitor"):
            for host in ("console", "elsewhere"):
                with Client(program.port, user=user, host=host) as client:
                    seen.append(client.connect("TANK:MODE"))
                    seen.append(client.put("TANK:MODE", 1))
        return seen

    run("tank", drive, RULES)


def test_labels_units_and_alarms_that_change():
    def drive(client, program):
        names = [f"PROP:{name}" for name in "ENUM NUMBER WAVE STATUS MESSAGE".split()]
        mask = wire.DBE_VALUE | wire.DBE_ALARM | wire.DBE_PROPERTY
        seen = [client.connect(name) for name in names]
        seen += [client.subscribe(name, dbr.CTRL, mask) for name in names]

        def put(name, *values, base=None):
            seen.append(client.put(f"PROP:{name}", *values, base=base))
            seen.extend(client.updates_so_far(one) for one in names)

        for number in (3, 5, 11):
            put("CHANGE", number)
            put("ENUM", f"{number - 1}", base=dbr.STRING)
            seen.append(client.get("PROP:ENUM", base=dbr.STRING))
        put("NUMBER.PREC", 3)
        put("NUMBER.EGU", "mm")
        put("NUMBER.EGU", "elephants")
        put("NUMBER", 1.25)
        seen.append(client.get("PROP:NUMBER"))
        for values in ([1] * 5, [1, 2, 6], [-9], [4] * 6):
            put("WAVE", *values)
            seen.append(client.get("PROP:WAVE"))
        for value in (0, 1, 5, 0):
            put("STATUS", value)
            seen.append(client.get("PROP:STATUS"))
        for value in ("hello", "", "x" * 39):
            put("MESSAGE", value)
            seen.append(client.get("PROP:MESSAGE"))
        seen.append(put_text(client, "PROP:LONG", "y" * 200))
        seen.append(text(client, "PROP:LONG"))
        assert_refused(client.put("PROP:CHANGE", 12), program)
        assert_refused(client.put("PROP:KEPT", 1), program)
        seen.append(client.get("PROP:KEPT", dbr.TIME))
        seen.append(client.put("PROP:CHANGE", 4))
        seen.append(client.get("PROP:KEPT", dbr.TIME))
        return seen

    run("properties", drive)


def test_pvs_without_a_type():
    def drive(client, program):
        name = "PROP:SPECTRUM7"
        seen = [client.connect(name), client.is_found("PROP:OTHER", name)]
        seen += [client.get(name, family) for family in (0, 7, 14, 21, 28)]
        seen.append(client.get(name, base=dbr.DOUBLE, count=3))
        seen.append(client.subscribe(name))
        return seen

    run("properties", drive)


def test_searches_that_are_printed():
    def drive(client, program):
        while not program.printed():  # it may not have begun yet
            with pytest.raises(AssertionError, match="nobody answers"):
                client.search("SNOOP:ANY", 0.5)
        lines = program.printed().splitlines()
        # The client is a name there, which is looked up; here a number.
        return sorted({line.split()[1] for line in lines})

    assert run("snooper", drive) == ["SNOOP:ANY"]


def test_a_parameter_without_a_value():
    def drive(client, program):
        state = "NONE:STATE"
        seen = [client.connect(state)]
        seen += [
            client.get(state, family) for family in (dbr.PLAIN, dbr.TIME, dbr.CTRL)
        ]
        # A first reading that fails: told as such there, here the last value.
        client.subscribe(state)
        for name, value in (("SET", 1.0), ("CLEAR", 1.0), ("SET", 2.0)):
            seen.append(client.put(f"NONE:{name}", value))
            seen.append(client.updates_so_far(state))
            seen.append(client.get(state))
        seen.append(client.put("NONE:CLEAR", 2.0))
        seen += [client.put(state, "put"), client.updates_so_far(state)]
        seen.append(client.get(state))
        return seen

    run("without_value", drive)
