"""Types: the stubs are those of the compiled modules, and users get what they need."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
COMPILED = sorted(
    f"{stub.parent.name}.{stub.stem}" for stub in (ROOT / "src").glob("*/_*.pyi")
)


def run(module, *arguments, folder=ROOT):
    """Exit status and output of a checker."""
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-m", module, *map(str, arguments)],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=170,
    )
    return done.returncode, done.stdout + done.stderr


def test_every_compiled_module_has_a_stub():
    modules = {path.with_suffix("") for path in (ROOT / "src").glob("*/_*.pyx")}
    stubs = {path.with_suffix("") for path in (ROOT / "src").glob("*/_*.pyi")}
    assert modules == stubs


@pytest.mark.timeout(180)
def test_stubs_agree_with_the_compiled_modules():
    allowed = Path(__file__).parent / "allowed.txt"
    options = ["--concise", "--ignore-disjoint-bases", "--allowlist", allowed]
    config = ["--mypy-config-file", ROOT / "pyproject.toml"]
    status, output = run("mypy.stubtest", *COMPILED, *options, *config)
    assert status == 0, output


@pytest.mark.timeout(180)
def test_strict(tmp_path):
    status, output = run("mypy", "--cache-dir", tmp_path / "cache")
    assert status == 0, output


GOOD = """\
from aioca import CANothing, Subscription, caget, camonitor, caput
from aioca.types import AugmentedValue
from pcaspy import Driver, SimpleServer
from pcaspy.pvdb import PVSpec

pvdb: dict[str, PVSpec] = {"A": {"type": "enum", "enums": ["OFF", "ON"], "scan": 0.5}}


class Own(Driver):
    def write(self, reason: str, value: object) -> bool:
        self.setParam(reason, value)
        self.updatePVs()
        return True


def serve() -> None:
    with SimpleServer(port=0) as server:
        server.createPV("P:", pvdb)
        driver = Own(server)
        driver.setParamInfo("A", {"unit": "mm"})
        server.process(0.1)


async def client() -> None:
    one: AugmentedValue = await caget("P:A")
    many: list[AugmentedValue] = await caget(["P:A", "P:B"])
    done: CANothing = await caput("P:A", 1, wait=True)
    subscription: Subscription = camonitor("P:A", print)
    subscription.close()
    print(one, many, done.ok)
"""
WRONG = {
    '{"A": {"units": "mm"}}': "units",
    '{"A": {"count": "many"}}': "count",
    '{"A": {"enums": 5}}': "enums",
}


def check(tmp_path, text):
    program = tmp_path / "program.py"
    program.write_text(text)
    config = ROOT / "pyproject.toml"
    options = ["--strict", "--config-file", config, "--cache-dir", tmp_path / "cache"]
    return run("mypy", *options, program)


@pytest.mark.timeout(180)
def test_a_program_of_a_user(tmp_path):
    status, output = check(tmp_path, GOOD)
    assert status == 0, output


@pytest.mark.timeout(180)
def test_a_wrong_pvdb_is_found(tmp_path):
    head = "from pcaspy.pvdb import PVSpec\n"
    lines = [f"x{n}: dict[str, PVSpec] = {text}" for n, text in enumerate(WRONG)]
    status, output = check(tmp_path, head + "\n".join(lines) + "\n")
    assert status == 1
    for number, name in enumerate(WRONG.values(), start=2):
        (line,) = [x for x in output.splitlines() if f"program.py:{number}:" in x]
        assert f'"{name}"' in line
