"""The simulated oscilloscope: its records, its picture, its dependent choices."""

import itertools
import math

import pytest

from support.environment import server_environment
from support.epics_client import ECA_NORMAL, ECA_PUTFAIL
from support.example_program import Program
from support.peers import peer_python

DBE_PROPERTY = 8
SCOPE = "testAPD:scope1:"
READBACKS = """
    Run_RBV UpdateTime_RBV VoltOffset_RBV TriggerDelay_RBV NoiseAmplitude_RBV
    VoltsPerDivSelect_RBV TimePerDiv_RBV VertGain_RBV VoltsPerDiv_RBV MaxPoints_RBV
    Waveform_RBV TimeBase_RBV MinValue_RBV MaxValue_RBV MeanValue_RBV
""".split()
SETTINGS = """
    Run UpdateTime TimePerDivSelect VertGainSelect VoltsPerDivSelect VoltOffset
    TriggerDelay NoiseAmplitude
""".split()


@pytest.fixture
def scope(run, client):
    """The client of a running oscilloscope with short names and a quiet signal."""
    run("oscilloscope")

    class Scope:
        def put(self, name, value, **options):
            return client.put(SCOPE + name, value, **options)

        def get(self, name, **options):
            return client.get(SCOPE + name, **options)

        def picture_after(self, name, value):
            """Put, then the next picture that was made with it."""
            client.monitor(SCOPE + "Waveform_RBV", form="time")
            client.updates(SCOPE + "Waveform_RBV")
            assert self.put(name, value) == ECA_NORMAL
            return client.updates(SCOPE + "Waveform_RBV")[0]["value"]

    scope = Scope()
    scope.put("Run", "Stop")
    scope.put("NoiseAmplitude", 0)
    return scope


def test_all_records(scope):
    for name in SETTINGS:
        assert "value" in scope.get(name)
    for name in READBACKS:
        assert scope.put(name, 0) == ECA_PUTFAIL


def test_choices(scope):
    labels = scope.get("TimePerDivSelect")["enums"]
    assert labels[0] == "0.01 msec"
    assert labels[-1] == "10 msec"
    assert len(labels) == 10
    assert scope.get("Run")["enums"] == ["Stop", "Run"]
    assert scope.get("Run_RBV")["enums"] == ["Done", "Running"]


def test_run_and_its_readback(scope):
    assert scope.get("Run_RBV", datatype="string")["value"] == "Done"
    scope.put("Run", "Run")
    running = scope.get("Run_RBV", datatype="string")
    assert running["value"] == "Running"
    assert scope.get("Run_RBV")["severity"] == 1


def test_time_base(scope):
    base = scope.get("TimeBase_RBV")
    assert len(base["value"]) == scope.get("MaxPoints_RBV")["value"] == 1000
    assert base["value"][0] == 0
    assert base["value"][-1] == 10
    assert base["upper_disp_limit"] == 10


def test_picture_is_a_sine_of_one_volt(scope):
    scope.put("UpdateTime", 0.05)
    picture = scope.picture_after("Run", "Run")
    assert len(picture) == 1000
    assert min(picture) == pytest.approx(4, abs=0.01)
    assert max(picture) == pytest.approx(6, abs=0.01)
    crossings = sum(a < 5 <= b for a, b in itertools.pairwise(picture))
    assert crossings == pytest.approx(10, abs=1)  # 10 divisions of 1 ms at 1 kHz
    assert scope.get("MinValue_RBV")["value"] == pytest.approx(-1, abs=0.01)
    assert scope.get("MaxValue_RBV")["value"] == pytest.approx(1, abs=0.01)
    assert scope.get("MeanValue_RBV")["value"] == pytest.approx(0, abs=0.01)


def test_settings_change_the_picture(scope):
    """It is stopped, so each picture is the answer to a change."""
    assert max(scope.picture_after("VoltOffset", 2)) == pytest.approx(8, abs=0.01)
    assert min(scope.picture_after("VoltsPerDivSelect", "2.00")) == pytest.approx(
        5.5, abs=0.01
    )
    slow = scope.picture_after("TimePerDivSelect", "0.1 msec")
    crossings = sum(a < 6 <= b for a, b in itertools.pairwise(slow))
    assert crossings <= 2
    late = scope.picture_after("TriggerDelay", 0.00025)
    assert late[0] == pytest.approx(6.5, abs=0.01)
    noisy = scope.picture_after("NoiseAmplitude", 0.5)
    assert len({round(y - x, 9) for x, y in zip(late, noisy, strict=True)}) > 900


def test_scales_are_set_before_their_picture(scope, client):
    """So no display draws a picture with the scales of another one."""
    names = [SCOPE + "VoltsPerDiv_RBV", SCOPE + "Waveform_RBV"]
    for name in names:
        client.monitor(name, form="time")
        client.updates(name)
    scope.put("VertGainSelect", "100")
    scale, picture = (client.updates(name)[0]["timestamp"] for name in names)
    assert scale <= picture


def test_on_the_released_package(port, client):
    python = peer_python("pcaspy")
    program = Program("oscilloscope", env=server_environment(port), python=python)
    try:
        for name in (*SETTINGS, *READBACKS):
            severity = 1 if name == "Run_RBV" else 0
            assert (name, client.get(SCOPE + name)["severity"]) == (name, severity)
        client.put(SCOPE + "VoltOffset", 11)  # which says that it is done, and is not
        assert client.value(SCOPE + "VoltOffset") == 0
        assert client.put(SCOPE + "VoltOffset", 2) == ECA_NORMAL
        assert client.value(SCOPE + "VoltOffset_RBV") == 2
        assert client.put(SCOPE + "VertGainSelect", 1) == ECA_NORMAL
        assert client.value(SCOPE + "VoltsPerDiv_RBV") == pytest.approx(0.1)
    finally:
        program.close()


def test_nothing_is_undefined(scope):
    for name in (*SETTINGS, *READBACKS):
        state = scope.get(name)
        assert (name, state["severity"], state["status"]) == (name, 0, 0)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("VoltOffset", 10.5),
        ("VoltOffset", math.nan),
        ("UpdateTime", math.inf),
        ("UpdateTime", math.nan),
        ("TriggerDelay", -1),
        ("VertGainSelect", 3),
    ],
)
def test_what_it_does_not_have_is_refused(scope, name, value):
    before = scope.get(name)["value"]
    assert scope.put(name, value) == ECA_PUTFAIL
    assert scope.get(name)["value"] == before


def test_gain_decides_the_choices_of_volts_per_division(scope, client):
    for name in ("VoltsPerDivSelect", "VoltsPerDivSelect_RBV"):
        client.monitor(SCOPE + name, form="ctrl", events=DBE_PROPERTY)
        assert client.updates(SCOPE + name)[0]["enums"] == [
            "1.00", "2.00", "5.00", "10.00",
        ]  # fmt: skip
    scope.put("VertGainSelect", "10")
    for name in ("VoltsPerDivSelect", "VoltsPerDivSelect_RBV"):
        labels = client.updates(SCOPE + name)[0]["enums"]
        assert labels == ["0.10", "0.20", "0.50", "1.00"]
    assert scope.get("VertGain_RBV")["value"] == 10
    assert scope.get("VoltsPerDiv_RBV")["value"] == pytest.approx(0.1)
    assert scope.put("VoltsPerDivSelect", "0.50") == ECA_NORMAL
    assert scope.get("VoltsPerDiv_RBV")["value"] == pytest.approx(0.5)


def test_shortest_update_time(scope):
    scope.put("UpdateTime", 0)
    assert scope.get("UpdateTime_RBV")["value"] == pytest.approx(0.02)
