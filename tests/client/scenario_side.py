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
    told = json.dumps(
        asyncio.run(SCENARIOS[name](prefix)), default=repr, sort_keys=True
    )
    return json.loads(told.replace(prefix, ""))


say("READY", {})
answer_commands(run)
