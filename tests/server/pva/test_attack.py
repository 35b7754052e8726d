"""Random programs with p4p clients; PVA_ATTACK_SECONDS=1800 for a long one."""

import os
import random
import time

import pytest
from attack import Attack, seconds
from pva_support import HERE, ours


@pytest.mark.timeout(seconds() + 300)
def test_random_programs():
    seed = int(os.environ.get("PVA_ATTACK_SEED", random.randrange(10**6)))
    print(f"PVA_ATTACK_SEED={seed}")
    plain = ["driver=plain"] if seed % 2 else []
    end = time.monotonic() + seconds()
    with ours(f"rules={HERE / 'attack.acf'}", *plain) as server:
        attack = Attack(server, seed)
        try:
            while time.monotonic() < end:
                attack.step()
            attack.end()
        finally:
            attack.stop()
            print(f"{attack.steps} steps", server.child.stderr()[-3000:])
