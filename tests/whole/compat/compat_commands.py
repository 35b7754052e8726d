"""What both servers of the comparison have in common: they obey the test.

Runs with the released package and with ours. Everything but reading commands happens
in the main thread, between two calls of `process`, as the released server library
wants it.
"""

import json
import queue
import sys
import threading

from support.child_side import say

TURN = 0.002


def tell(side, command):
    """Does one command; what came of it, an exception by its class."""
    try:
        return {"result": getattr(side, command.pop("do"))(**command)}
    except Exception as error:
        return {"result": {"raised": type(error).__name__, "text": str(error)}}


def obey(side, process, ready):
    """Commands from the standard input, until it ends.

    Args:
        side: Has a method for each command.
        process: The server's, called with seconds.
        ready: What the test is told first.
    """
    commands = queue.SimpleQueue()

    def read_commands():
        for line in sys.stdin:
            commands.put(json.loads(line))
        commands.put(None)

    threading.Thread(target=read_commands, daemon=True).start()
    process(0.01)
    say("READY", ready)
    while True:
        try:
            command = commands.get_nowait()
        except queue.Empty:
            process(TURN)
            continue
        if command is None:
            return
        say("ANSWER", tell(side, command))
