"""A server with saved values that is killed at any moment, and random programs."""

from __future__ import annotations

import random
import subprocess
import sys
import time
from pathlib import Path

import pytest

from pcaspy import Driver
from pcaspy.state.file import StateFile
from pcaspy.testing import IsolatedServer
from support.environment import server_environment
from support.ports import free_port
from support.scale import report, scaled

SERVER = str(Path(__file__).parent / "state_server.py")
COUNT = 300
PERIOD = 0.1


def numbers_in(path: Path) -> dict[str, int]:
    """What a server would restore; there must be nothing wrong with it."""
    contents = StateFile(path).load()
    assert contents.notes == []
    return {name: entry["value"] for name, entry in contents.entries.items()}


@pytest.mark.timeout(1800)
def test_killed_while_it_saves(tmp_path: Path) -> None:
    """Each time: an intact file, nothing older than before, and that is restored."""
    path = tmp_path / "killed.state"
    rng = random.Random(11)
    tries, in_flight = scaled(10, 200), 0
    env = server_environment(free_port())
    before: dict[str, int] = {}
    for _ in range(tries):
        command = [sys.executable, SERVER, str(path), str(COUNT)]
        with subprocess.Popen(command, env=env, stdout=subprocess.PIPE) as process:
            assert process.stdout is not None
            restored = [int(text) for text in process.stdout.readline().split()]
            assert restored == [before.get(f"K:N{n}", 0) for n in range(COUNT)]
            while not path.exists():
                process.stdout.readline()
            end = time.monotonic() + rng.uniform(0, 3 * PERIOD)
            while time.monotonic() < end:
                process.stdout.readline()
            seen = numbers_in(path)
            in_flight += path.with_name("killed.state.tmp").exists()
            process.kill()
            set_last = process.stdout.read().splitlines()
        found = numbers_in(path)
        assert len(found) == COUNT
        assert all(found[name] >= number for name, number in seen.items())
        assert all(found[name] >= number for name, number in before.items())
        if set_last:  # the last line may be cut
            assert max(found.values()) <= int(set_last[0]) + len(set_last)
        before = found
    report(f"state: {tries} kills, {in_flight} while a file was written")


class Model:
    """What a server with a file has to have, in plain dicts."""

    def __init__(self) -> None:
        self.saved: dict[str, float] = {}
        self.now: dict[str, float] = {}
        self.set: set[str] = set()

    def start(self, served: list[str]) -> None:
        self.now = {name: self.saved.get(name, 0.0) for name in served}

    def end(self) -> None:
        for name in self.set & self.now.keys():
            self.saved[name] = self.now[name]
        self.set.clear()


@pytest.mark.timeout(1800)
def test_random_programs(tmp_path: Path) -> None:
    """Sets, PVs that come and go, drivers that are replaced, restarts, compared."""
    for seed in range(scaled(8, 400)):
        run_program(random.Random(seed), tmp_path / f"{seed}.state")


def run_program(rng: random.Random, path: Path) -> None:
    model = Model()
    names = [f"P{n}" for n in range(6)]
    for _ in range(rng.randint(2, 4)):
        served = rng.sample(names, rng.randint(1, len(names)))
        server = IsolatedServer(threaded=False, state=path, autosave={"*": 0.1})
        server.createPV("M:", {name: {} for name in served})
        driver = Driver()
        with server:
            model.start(served)
            for _ in range(rng.randint(0, 25)):
                driver = step(rng, model, names, server, driver)
                for name, value in model.now.items():
                    assert driver.getParam(name) == value
        model.end()
        contents = StateFile(path).load()
        assert contents.notes == []
        found = {name[2:]: entry["value"] for name, entry in contents.entries.items()}
        assert found == model.saved


def step(
    rng: random.Random,
    model: Model,
    names: list[str],
    server: IsolatedServer,
    driver: Driver,
) -> Driver:
    held = server._pcaspy
    kind, name = rng.randrange(6), rng.choice(names)
    if kind <= 2 and name in model.now:
        value = rng.random()
        driver.setParam(name, value)
        model.now[name] = value
        model.set.add(name)
    elif kind == 3 and name in model.now:
        del held.pvf["M:" + name], held.pvs["default"][name], driver.pvDB[name]
        if name in model.set:
            model.saved[name] = model.now[name]
            model.set.discard(name)
        del model.now[name]
    elif kind == 4 and name not in model.now:
        server.createPV("M:", {name: {}})
        model.now[name] = model.saved.get(name, 0.0)
    elif kind == 5:
        if rng.random() < 0.5:
            held.keeper.save(held.keeper.periods())
            for saved in model.set:
                model.saved[saved] = model.now[saved]
            model.set.clear()
        else:
            return Driver()
    return driver
