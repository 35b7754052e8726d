"""Build of the client's extension modules and their library.

In a checkout the sources are in the folders beside this one; in the project's own
source distribution they are below this file.
"""

import os
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE if (HERE / "src").is_dir() else HERE.parent
os.chdir(HERE)
sys.path.insert(0, str(ROOT / "tools"))
from building import extension, library, modules_in, named, setup  # noqa: E402
from setuptools import find_packages  # noqa: E402

# The modules share its C++, and the state of it.
LIBRARY = library("aioca.native.aioca_client", "client", macro="AIOCA_BUILD")
MODULES = [
    extension(name, [source], dsos=[LIBRARY.name])
    for name, source in modules_in("aioca.native").items()
]

setup(
    libraries=[LIBRARY],
    modules=MODULES,
    package_dir={"": os.path.relpath(ROOT / "src")},
    packages=find_packages(str(ROOT / "src"), include=["aioca*"]),
    options={"build": {"build_base": named(ROOT / "build" / "aioca")}},
)
