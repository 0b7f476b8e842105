"""Seconds that trials take here, measured before any are planned: one classifier, and what each arm adds for a seed."""

import json
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from vqecg.downstream.augmentation.plan import REAL_ONLY
from vqecg.records.files.atomic import write_text
from vqecg.records.files.json_file import read_object, reading

MEASURED_FILE = "measured.json"
MOST = 0.3  # share of the budget that may go into measuring
Work = Callable[[], object]


def measure_seconds(
    folder: Path, classifier: Work, additions: Mapping[str, Work], budget: float
) -> tuple[dict[str, float], list[str]]:
    """The seconds of a classifier (REAL_ONLY) and of making what each arm adds, and sentences on arms left out.

    Left out are those that raise ValueError, and all that come after MOST of the budget. What was measured before an
    interruption stands in measured.json and is not measured again.
    """
    path, seconds, reasons = folder / MEASURED_FILE, dict[str, float](), list[str]()
    if path.is_file():
        with reading(path, f"delete {path}, and it is measured again"):
            seconds = {str(name): float(value) for name, value in read_object(path).items()}
    for name, work in {REAL_ONLY: classifier, **additions}.items():
        if name in seconds:
            continue
        if name in additions and sum(seconds.values()) > MOST * budget:
            reasons.append(f"No time to make what {name} adds.")
            continue
        began = time.perf_counter()
        try:
            work()
        except ValueError as error:
            if name not in additions:
                raise
            reasons.append(f"{name} cannot be tried: {error}.")
            continue
        seconds[name] = time.perf_counter() - began
        write_text(path, json.dumps(seconds, indent=2) + "\n")
    return seconds, reasons
