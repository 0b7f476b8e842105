"""The cost of a stage: peak memory."""

import resource
import sys


def peak_memory_mb() -> float:
    """Highest resident memory of this process since it started, in MiB."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / 2**20 if sys.platform == "darwin" else peak / 2**10  # bytes there, KiB elsewhere
