"""The two projects, and how their distributions are built."""

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
# Where each project is in a checkout.
PROJECTS = {"pcaspy": ".", "aioca": "client"}
# What is in a wheel and that it runs is asked here, not how fast it is.
BUILD_ENVIRONMENT = {**os.environ, "PCASPY_OPTIMIZE": "-O0"}


def said(*command, **options):
    """The output of a command, which must end well."""
    done = subprocess.run(
        [str(word) for word in command],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        **options,
    )
    assert done.returncode == 0, done.stdout[-8000:]
    return done.stdout


@dataclass
class Built:
    """A distribution, and what was printed while it was made."""

    path: Path
    log: str


def build(kind, source, folder):
    """One distribution of `source`, in this environment's build requirements."""
    command = [sys.executable, "-m", "build", "--no-isolation", f"--{kind}"]
    log = said(*command, "--outdir", folder, source, env=BUILD_ENVIRONMENT)
    (made,) = folder.iterdir()
    return Built(made, log)
