"""Values that survive a restart: in a file, saved while a server runs.

`format` has the lines of the file, `values` the values in them, `file` reads and writes
it, `groups` says which PVs are saved and how often, `keeper` restores and saves.
"""
