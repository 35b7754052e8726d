"""Draws what `pcaspy top` shows of a server, as SVG; make_images.py starts the server.

Usage: python docs/images/draw_top.py SERVER PV FILE [KEY ...]
"""

from __future__ import annotations

import asyncio
import re
import sys
from pathlib import Path

from pcaspy.control.client import find
from pcaspy.top.app import TopApp

LINES = (112, 28)
SECONDS = 60.0
# The picture asks no server for fonts.
FONTS = re.compile(r"@font-face \{.*?\}\s*", re.DOTALL)


async def main(server: str, pv: str, file: str, *keys: str) -> None:
    """Waits until the PV is there with a rate, presses the keys, and draws."""
    app = TopApp(find(server), interval=1.0)
    async with app.run_test(size=LINES) as pilot:
        while pv not in app.export_screenshot():
            await pilot.pause(0.1)
        await pilot.pause(4.0)  # rates, and ages
        for key in keys:
            await pilot.press(key)
            await pilot.pause(1.5)
        drawn = app.export_screenshot(title=f"pcaspy top {server}")
    Path(file).write_text(FONTS.sub("", drawn))


if __name__ == "__main__":
    asyncio.run(asyncio.wait_for(main(*sys.argv[1:]), SECONDS))
