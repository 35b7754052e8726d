"""PVs of a pvdb and the drivers that answer for them, as `SimpleServer` serves."""
