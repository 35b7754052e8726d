"""Runs the scenarios of this folder in whatever environment started it."""

import asyncio
import json
import warnings

from child_side import answer_commands, say
from scenarios import SCENARIOS

# The released client warns with new versions of numpy.
warnings.simplefilter("ignore", DeprecationWarning)


def run(name, prefix):
    """One scenario in an event loop of its own; what it tells without the prefix."""

    async def main():
        # A scenario that hangs says where.
        return await asyncio.wait_for(SCENARIOS[name](prefix), 30)

    told = json.dumps(asyncio.run(main()), default=repr, sort_keys=True)
    return json.loads(told.replace(prefix, ""))


say("READY", {})
answer_commands(run)
