"""One ECG from its path, without a data set around it."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from vqecg.records.attributes import AttributeTally
from vqecg.records.datasets.challenge import comment_fields, is_synthetic, statements_of
from vqecg.records.datasets.wfdb_reading import read_header, read_wfdb
from vqecg.records.export.wfdb_writing import WITHOUT_CODE
from vqecg.records.plain_names import shown
from vqecg.records.record import ECGRecord
from vqecg.records.unknown_labels import EVERYTHING

ENDINGS = (".hea", ".dat", ".mat")
# comments of a header that name the filter, in lower case
BAND_NAMES = ("filter", "filters", "filter band", "filter bandwidth", "bandwidth", "bandpass", "band-pass")
HIGHPASS_NAMES = ("highpass", "high-pass", "high pass", "highpass filter", "high-pass filter")
LOWPASS_NAMES = ("lowpass", "low-pass", "low pass", "lowpass filter", "low-pass filter")


def read_ecg(path: str | Path, ignore_checksums: bool = False) -> ECGRecord:
    """Reads the WFDB record at `path`: of PTB-XL, CPSC2018, the Challenges, LUDB, or any other, at its own rate.

    Args:
        path: of the record, with or without the ending .hea, .dat or .mat.
        ignore_checksums: read files whose first values or checksums differ from the header, as damaged ones do.

    Returns:
        All of its leads, (leads, samples) float32 mV. Age, sex and statements are those in the header's comments, as
        the Challenges write them; without a line `Dx` all statements are unknown, since a table beside the files may
        have them: `read_records` reads both.

    Raises:
        ValueError: no such record, or one that is damaged or no ECG; names the file.
    """
    place = Path(path)
    if place.is_dir():
        raise ValueError(f"{place} is a folder, expected one WFDB record: for a data set there is read_records")
    if place.suffix.lower() in ENDINGS:
        place = place.with_suffix("")
    waveform = read_wfdb(place, ignore_checksums)
    fields = comment_fields(read_header(place).comments)
    nameless = [name for name in fields.get(WITHOUT_CODE.lower(), "").split(", ") if name]
    return ECGRecord(
        signal=waveform.signal,
        sampling_rate=waveform.sampling_rate,
        leads=waveform.leads,
        record_id=place.name,
        attributes=AttributeTally().of_row({"sex": fields.get("gender", "")} | fields),
        statements=statements_of(fields) | dict.fromkeys(nameless, 0.0),
        unknown=() if "dx" in fields else (EVERYTHING,),
        synthetic=is_synthetic(fields),
        filter_band=filter_band(fields),
    )


def with_header(record: ECGRecord, path: str | Path) -> ECGRecord:
    """A record of a data set with what the comments of its header add: its filter band, and that it is synthetic."""
    place = Path(path)
    if not place.with_name(f"{place.name}.hea").is_file():
        return record
    fields = comment_fields(read_header(place).comments)
    return replace(record, synthetic=record.synthetic or is_synthetic(fields), filter_band=filter_band(fields))


def filter_band(fields: Mapping[str, str]) -> str:
    """The filter band that the comments of a header name, as they write it: "0.05-150 Hz"; "" where they name none."""
    whole = next((fields[name] for name in BAND_NAMES if fields.get(name)), "")
    ends = [next((fields[name] for name in names if fields.get(name)), "") for names in (HIGHPASS_NAMES, LOWPASS_NAMES)]
    words = [f"{kind} {end}" for kind, end in zip(("high-pass", "low-pass"), ends, strict=True) if end]
    return shown(whole or ", ".join(words))
