"""How far a number moves when it changes, as an IOC's recGblCheckDeadband sees it."""

from __future__ import annotations

from math import inf, nan

NUMBERS = (1.0, 2.0, nan, inf, -inf)
# From the number of the row to the number of the column.
DISTANCES = (
    (0.0, 1.0, inf, inf, inf),
    (1.0, 0.0, inf, inf, inf),
    (inf, inf, 0.0, inf, inf),
    (inf, inf, inf, 0.0, inf),
    (inf, inf, inf, inf, 0.0),
)
MOVES = [
    (last, new, distance)
    for last, row in zip(NUMBERS, DISTANCES, strict=True)
    for new, distance in zip(NUMBERS, row, strict=True)
]
DEADBANDS = (0, 1, -1)
