"""The command line: EPICS' tools of that kind, as ``aioca get`` and so on.

From the bottom to the top: `output`, `help`, `options`, `commands`.
"""
