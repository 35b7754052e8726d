"""PVs that report how a server is: those of EPICS' iocStats, and the server's own."""
