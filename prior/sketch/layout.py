"""The order of a record's traits, and the window of a representative beat around its R peak."""

from vqecg.records.leads import INDEPENDENT_LEADS

BEFORE, AFTER = 0.35, 0.55  # s around the R peak: from before P to the end of T
RHYTHM_TRAITS = 2  # the first ones: rate and irregularity
P_TRAIT = RHYTHM_TRAITS  # then how far the P wave is ahead
LEAD_TRAITS = P_TRAIT + 1  # the first of each lead's wander and noise
PLAIN = LEAD_TRAITS + 2 * len(INDEPENDENT_LEADS)  # the first of the beat, which comes after these


def beat_samples(sampling_rate: float) -> int:
    """Samples of the representative beat, a lead."""
    return round(BEFORE * sampling_rate) + round(AFTER * sampling_rate)
