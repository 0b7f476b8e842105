"""Numbers as readers write them."""

import numpy as np

from vqecg.reports.numbers import count, duration, interval, number, significant


def test_numbers_are_written_for_readers() -> None:
    assert (number(-0.0124), number(0.0124, signed=True), number(np.nan)) == ("−0.012", "+0.012", "–")
    assert (number(-0.0001), number(-0.0001, signed=True)) == ("0.000", "−0.000")
    assert interval(-0.006, 0.01) == "−0.006 to +0.010"
    assert (count(21799), count(np.nan)) == ("21,799", "–")
    assert (significant(301.2), significant(0.02434), significant(0), significant(-31.26)) == (
        "301",
        "0.0243",
        "0",
        "−31.3",
    )
    assert (duration(0.52), duration(41.2), duration(600), duration(5600)) == ("0.52 s", "41 s", "10 min", "1.6 h")
