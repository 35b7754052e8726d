"""Loads libCom, which the engine is linked to, from where epicscorelibs keeps it.

The engine's own search path reaches it only when both are installed side by side.
"""

import ctypes

from epicscorelibs.lib import Com_dsoinfo  # type: ignore[import-untyped]

libcom = ctypes.CDLL(Com_dsoinfo.sofilename)
