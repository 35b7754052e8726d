"""What every server has, whatever it serves: options, access rules, its life, the log.

Knows the engine only; no PV and no driver.
"""
