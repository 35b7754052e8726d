"""PVs and servers that do everything themselves: what `pcaspy.cas` shows to programs.

Knows no pvdb and no driver.
"""
