"""EPICS' repeater, which gives beacons to all clients of a host.

libca starts the program `caRepeater`, if there is one: epicscorelibs has none.
"""

import ctypes
import sys
import threading
from pathlib import Path

import epicscorelibs.path

sys.path.insert(0, str(Path(__file__).parents[2]))

from support.child_side import answer_commands, say

libca = ctypes.CDLL(epicscorelibs.path.get_lib("ca"))
threading.Thread(target=libca.caRepeaterThread, args=[None], daemon=True).start()
say("READY", {})
answer_commands(lambda: None)
