"""The other end of process.Child: what a server or client script runs.

Imported by scripts in many environments, so it uses the standard library only. On
import it keeps the standard output for itself: what anything else prints, C code
included, goes to standard error and cannot break a line in two.
"""

import json
import os
import sys
import threading
import traceback

_protocol = os.fdopen(os.dup(1), "w")
os.dup2(2, 1)


def say(word, content):
    """Print one protocol line."""
    _protocol.write(word + " " + json.dumps(content) + "\n")
    _protocol.flush()


def answer_commands(handle):
    """Answer each command on standard input with `handle(**command)` to its end."""
    for line in sys.stdin:
        try:
            result = handle(**json.loads(line))
            json.dumps(result)
        except Exception:
            say("ANSWER", {"error": traceback.format_exc()})
        else:
            say("ANSWER", {"result": result})


def answer_commands_in_thread(handle):
    """The same in a thread; returns the event that is set when the input closes."""
    ended = threading.Event()

    def run():
        try:
            answer_commands(handle)
        finally:
            ended.set()

    threading.Thread(target=run, daemon=True).start()
    return ended
