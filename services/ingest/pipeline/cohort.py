"""What the people of one picture share tells nobody apart.

In a uniform everybody looks like everybody: against a line that was fitted over all films each pair would seem to be
one person. But people who are seen at the same time are not one, so their cosines say what strangers look like here;
the line is moved up to them. Score normalisation by a cohort is common in speaker verification (Auckenthaler, Carey
and Lloyd-Thomas 2000, doi 10.1006/dspr.1999.0360); here the cohort is in the picture.
"""

from __future__ import annotations

import numpy as np

from packs.arrays import F64
from packs.calibration import Calibration

__all__ = ["against_cohort"]

# Fewer strangers say too little.
FEWEST = 3
# Even odds lie so far above what strangers have.
MARGIN = 0.08
# No line becomes steeper than so many times itself: cosines near 1 differ by noise.
STEEPEST = 4.0


def against_cohort(line: Calibration, strangers: F64) -> Calibration:
    """Move a line up to the strangers that are known.

    Args:
        line: What cosines mean in general.
        strangers: float64[N], cosines of people who are surely two; with fewer than three the line stays.

    Returns:
        A line whose even odds lie above the median of the strangers, and that says of the cosine 1 what it said before,
        as far as that does not make it too steep. Where strangers look unlike, the line itself.
    """
    if len(strangers) < FEWEST:
        return line
    usual = line.cosine_at(0.5)
    even = float(np.median(strangers)) + MARGIN
    if even <= usual:
        return line
    steeper = min(STEEPEST, max(1.0, (1.0 - usual) / max(1.0 - even, 1e-3)))
    slope = line.slope * steeper
    return line.model_copy(update={"slope": slope, "intercept": -slope * even})
