"""Each scenario tells the same on this project's client and on the released one."""

import pytest
from scenarios import SCENARIOS


def differences(ours, released, path=""):
    """The places where two things told differ, in a few words each."""
    if isinstance(ours, dict) and isinstance(released, dict):
        return [
            line
            for key in sorted(ours.keys() | released.keys())
            for line in differences(ours.get(key), released.get(key), f"{path}/{key}")
        ]
    if isinstance(ours, list) and isinstance(released, list):
        if len(ours) == len(released):
            pairs = zip(ours, released, strict=True)
            return [
                line
                for i, (one, other) in enumerate(pairs)
                for line in differences(one, other, f"{path}/{i}")
            ]
    if ours == released:
        return []
    return [f"{path}: ours {ours!r}, released {released!r}"]


@pytest.mark.parametrize("name", SCENARIOS)
def test_same(name, ours, released, p):
    expected = released.ask(40, name=name, prefix=p)
    told = ours.ask(40, name=name, prefix=p)
    found = differences(told, expected)
    assert not found, "\n".join(found)
