import math
from typing import Any

import numpy as np
import pandas as pd
import pytest

from vqecg.records.ecg_paper import figure_svg, plot_ecg
from vqecg.records.leads import INDEPENDENT_LEADS, LEADS
from vqecg.records.plotting import plot
from vqecg.records.record import ECGRecord, RecordTable, table_columns


def record_rows(**changes: object) -> pd.DataFrame:
    """A record table of two rows, with some columns replaced."""
    columns: dict[str, object] = {
        "record_id": ["1", "2"],
        "path": ["/data/1", "/data/2"],
        "patient_id": ["a", ""],
        "fold": [1, 0],
        "age": [50.0, math.nan],
        "sex": ["female", "unknown"],
        "statements": [{"NORM": 100.0}, {}],
        "source": ["ptb-xl", "ptb-xl"],
    }
    return pd.DataFrame({name: (columns | changes)[name] for name in table_columns()})


def test_record_keeps_float32_and_knows_its_length() -> None:
    record = ECGRecord(np.zeros((2, 500)), 250.0, ("I", "II"), "7")
    assert record.signal.dtype == np.float32
    assert record.seconds == 2.0
    assert math.isnan(record.age) and record.sex == "unknown" and record.statements == {}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"signal": np.zeros((500, 2))}, "expected \\(leads, samples\\)"),
        ({"signal": np.zeros(500)}, "expected \\(leads, samples\\)"),
        ({"signal": np.zeros((2, 500), dtype=np.int16)}, "expected floating mV"),
        ({"sampling_rate": 0.0}, "sampling rate"),
        ({"sampling_rate": math.nan}, "sampling rate"),
        ({"attributes": {"sex": "F"}}, "expected one of female, male, unknown"),
    ],
)
def test_record_refuses_what_does_not_fit(changes: dict[str, object], message: str) -> None:
    good = {"signal": np.zeros((2, 500)), "sampling_rate": 250.0, "leads": ("I", "II"), "record_id": "7"}
    with pytest.raises(ValueError, match=message):
        ECGRecord(**(good | changes))


def test_table_accepts_its_own_columns() -> None:
    assert len(RecordTable(record_rows(), "ptb-xl", "two records")) == 2


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"record_id": ["1", "1"]}, "appear twice, the first is '1'"),
        ({"fold": [1, 11]}, "expected integers 1-10"),
        ({"fold": [1.0, 2.0]}, "expected integers 1-10"),
        ({"age": ["50", ""]}, "expected float years"),
        ({"sex": ["female", "F"]}, r"\['F'\]"),
        ({"patient_id": ["a", None]}, "column patient_id"),
        ({"statements": [{}, "NORM"]}, "one dict per row"),
    ],
)
def test_table_refuses_values_that_do_not_fit(changes: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        RecordTable(record_rows(**changes), "ptb-xl", "")


def test_table_refuses_other_columns() -> None:
    with pytest.raises(ValueError, match="expected exactly"):
        RecordTable(record_rows().drop(columns="source"), "ptb-xl", "")


def test_a_record_describes_itself_in_a_line() -> None:
    signal = np.zeros((8, 1000), np.float32)
    known = {"age": 70.0, "sex": "female"}
    record = ECGRecord(signal, 100, INDEPENDENT_LEADS, "7", attributes=known, statements={"MI": 100.0, "HYP": 0.0})
    assert repr(record) == "ECGRecord('7', 8 leads, 10 s at 100 Hz, MI, HYP; age 70 years, sex female)"
    assert (
        repr(ECGRecord(signal, 100, INDEPENDENT_LEADS, "7")) == "ECGRecord('7', 8 leads, 10 s at 100 Hz, no statement)"
    )
    made = ECGRecord(signal, 100, INDEPENDENT_LEADS, "7", unknown=("*",), synthetic=True)
    assert repr(made) == "ECGRecord('7', 8 leads, 10 s at 100 Hz, statements unknown, synthetic)"


def test_a_record_is_drawn_with_its_title_and_a_synthetic_one_says_so_under_any_title() -> None:
    def texts(record: ECGRecord, title: str | None = None) -> list[str]:
        return [text.get_text() for text in record.plot(title).axes[0].texts]

    signal = np.zeros((12, 1000), np.float32)
    record = ECGRecord(signal, 100, tuple(reversed(LEADS)), "7", statements={"MI": 100.0})
    assert "ECG 7: MI" in texts(record) and not any("synthetic" in text for text in texts(record))
    made = ECGRecord(signal, 100, LEADS, "7", statements={"MI": 100.0}, synthetic=True)
    assert "Synthetic ECG 7: MI" in texts(made)
    assert any(text.startswith("synthetic, no recording of a person") for text in texts(made, "another title"))
    assert any(text.get_gid() == "watermark" for text in made.plot().axes[0].texts)
    assert not any(text.get_gid() == "watermark" for text in record.plot().axes[0].texts)
    few = ECGRecord(signal[:3], 100, LEADS[:3], "7")
    names = [text.get_text() for text in few.plot().axes[0].texts if text.get_weight() == "bold"]
    assert names == ["I", "II", "III"], "leads that are not the twelve have a row each"


def test_the_paper_says_rate_filter_age_and_sex_and_what_a_low_rate_hides() -> None:
    def drawn(rate: float, **known: Any) -> set[str]:
        record = ECGRecord(np.zeros((12, round(10 * rate)), np.float32), rate, LEADS, "7", **known)
        return {text.get_text() for text in record.plot().axes[0].texts}

    texts = drawn(100, attributes={"age": 70.0, "sex": "female"}, filter_band="0.05-150 Hz", unknown=("*",))
    assert "ECG 7: statements unknown; age 70 years, sex female" in texts
    assert "filter 0.05-150 Hz  ·  25 mm/s  ·  10 mm/mV  ·  100 Hz" in texts
    assert "At 100 Hz notches and narrow Q waves are not reliable." in texts
    assert not any("notches" in text for text in drawn(500))


def test_plot_takes_a_record_or_an_array_with_its_rate() -> None:
    record = ECGRecord(np.zeros((12, 1000), np.float32), 100, LEADS, "7")
    assert figure_svg(plot(record)) == figure_svg(record.plot())
    assert figure_svg(plot(record.signal, 100, "mine")) == figure_svg(plot_ecg(record.signal, 100, "mine"))
    assert plot(record.signal, sampling_rate=100, over=record.signal).axes
    for given, message in (
        ((record.signal,), "an array without a sampling rate"),
        ((record, 100), "got a sampling rate beside a record"),
        ((record, None, None, record.signal), "got over beside a record"),
        (([record],), "got a list to plot; expected one ECGRecord"),
    ):
        with pytest.raises(ValueError, match=message):
            plot(*given)
