"""The log of puts: who has put what, over any protocol, and how it ended.

The engine notes each put and never waits; a separate thread writes them down. Only a
server that has such a log imports this.
"""
