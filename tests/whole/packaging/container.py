"""A Dockerfile carried out without containers: in a folder, with an empty environment.

Paths of the image are below that folder. What `FROM` brings is a virtual environment
with nothing in it; each command gets its variables and no others.
"""

from __future__ import annotations

import glob
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any


class Image:
    """What a Dockerfile makes.

    Args:
        text: The Dockerfile.
        context: The folder that it copies from.
        root: The image's files.
        environment: That of Python in it, which has pip.
    """

    def __init__(self, text: str, context: Path, root: Path, environment: Any) -> None:
        self._context, self._root = context, root
        self._environment = environment
        self.command: list[str] = []
        self.ports: list[str] = []
        self.base = self.user = ""
        tools = root / "tools"
        tools.mkdir(parents=True)
        pip = tools / "pip"
        pip.write_text(
            "#!/bin/sh\n"
            f'exec "{sys.executable}" -m pip --python "{environment.python}" "$@"\n'
        )
        pip.chmod(0o755)
        self.variables = {
            "PATH": f"{environment.folder / 'bin'}:{tools}:/usr/bin:/bin",
            "HOME": str(root),
        }
        for line in text.replace("\\\n", " ").splitlines():
            word, _, rest = line.strip().partition(" ")
            if word and not word.startswith("#"):
                getattr(self, f"_{word.lower()}")(rest.strip())

    def path(self, inside: str) -> str:
        """Where a path of the image is."""
        return str(self._root) + inside

    def _from(self, rest: str) -> None:
        self.base = rest

    def _copy(self, rest: str) -> None:
        *sources, target = rest.split()
        for source in sources:
            found = glob.glob(str(self._context / source))
            assert found, f"COPY {source}: there is no such file"
            for path in found:
                place = Path(self.path(target))
                if target.endswith("/"):
                    place /= Path(path).name
                place.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(path, place)

    def _run(self, rest: str) -> None:
        command = " ".join(self._moved(word) for word in rest.split(" "))
        done = subprocess.run(
            ["/bin/sh", "-ec", command],
            cwd=self._root,
            env={**self.variables, **_needed()},
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stdout + done.stderr

    def _user(self, rest: str) -> None:
        self.user = rest

    def _expose(self, rest: str) -> None:
        self.ports += rest.split()

    def _cmd(self, rest: str) -> None:
        self.command = [self._moved(word) for word in json.loads(rest)]

    def _moved(self, word: str) -> str:
        return self.path(word) if word.startswith("/") else word


def _needed() -> dict[str, str]:
    """Where pip finds packages on this host."""
    return {k: v for k, v in os.environ.items() if k.startswith(("PIP_", "SSL_"))}
