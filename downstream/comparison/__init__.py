"""Arms, runs and verdicts: what added records do for a classifier."""
