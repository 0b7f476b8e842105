"""The layout of the PhysioNet/CinC Challenges 2020 and 2021: a flat folder of headers and MATLAB v4 files.

Perez Alday et al., Physiol Meas 41:124003 (2020); Reyna et al., CinC 2021. The Challenges' scripts take header lines
apart at single blanks, read age, sex and diagnoses from the lines that begin with #Age, #Sex and #Dx (the script of
2020 from the first three comments), and take every entry of #Dx for a class.
"""

from collections import Counter
from pathlib import Path

import pandas as pd

from vqecg.records.export.beat_annotations import FILES, write_beats
from vqecg.records.export.layouts import LAYOUTS, DatasetLayout, Description
from vqecg.records.export.origins import MANIFEST
from vqecg.records.export.record_stream import RecordStream
from vqecg.records.export.wfdb_writing import comment_lines, snomed_codes, write_files

PREFIX = "VQ"  # of a record's name, which no set of the Challenges has


@LAYOUTS.register("challenge", rank=10)
class ChallengeLayout(DatasetLayout):
    """A .hea and a .mat for every record, without folders."""

    help = "a .hea and a MATLAB v4 .mat for every record, as the Challenges of 2020 and 2021 have them"
    rates = (500,)
    several_rates = False

    def holds(self, folder: Path) -> bool:
        """True where there are a manifest and headers with names such as ours."""
        return (folder / MANIFEST).is_file() and any(folder.glob(f"{PREFIX}*.hea"))

    def write(self, folder: Path, records: RecordStream, statement_table: pd.DataFrame) -> Description:
        """Write the records. Raises ValueError where no statement of any record has a SNOMED code."""
        nameless: Counter[str] = Counter()
        empty = 0
        for statements in records.rows["statements"]:
            codes, others = snomed_codes(statements)
            nameless.update(others)
            empty += not codes
        if empty == len(records):
            raise ValueError(
                f"no label ({', '.join(sorted(nameless)) or 'none given'}) has a SNOMED code, and the Challenge's "
                "layout holds nothing else: write the layout ptbxl, or generate with a prior of statements (task all)"
            )
        (rate,) = records.rates
        for record in records:
            # whole years, as in the Challenges' files: the script of 2020 reads nothing else
            years = record.attributes.get("age", float("nan"))
            attributes = {**record.attributes, "age": years if pd.isna(years) else float(round(years))}
            lines = comment_lines(record.statements, attributes, records.comments(record, rate))
            write_files(folder, f"{PREFIX}{record.ecg_id}", record.microvolts[rate], rate, lines, matlab=True)
            if record.beats is not None:
                write_beats(folder, f"{PREFIX}{record.ecg_id}", record.beats, rate, record.microvolts[rate].shape[1])
        return Description(
            (
                f"`{PREFIX}*.hea`, `{PREFIX}*.mat`: a header and a MATLAB v4 matrix `val` (12, samples) of 16 bit, 1 "
                f"microvolt a unit, {rate} Hz, for every record; `#Dx` lists SNOMED CT codes, `#Age` whole years.",
                *([FILES] if "beats" in records.rows else []),
            ),
            _remark(nameless, empty),
        )


def _remark(nameless: Counter[str], empty: int) -> str:
    """The labels that #Dx leaves out, with their records, and the number of records without any code."""
    if not nameless:
        return ""
    counts = ", ".join(f"{name} ({count:,})" for name, count in nameless.most_common())
    text = f"Labels without a SNOMED code, in a comment of their own and not in #Dx, with their records: {counts}."
    return f"{text} {empty:,} records have no other label: their #Dx is empty." if empty else text
