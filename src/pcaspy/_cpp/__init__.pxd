# The engine's headers, one file each.
