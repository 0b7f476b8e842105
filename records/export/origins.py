"""The columns of a manifest that name recordings of people, in a folder of their own that is easily left out."""

from pathlib import Path

import pandas as pd

MANIFEST = "manifest.parquet"  # how every record came about; in every data set that this package writes
PRIVATE_FOLDER, ORIGINS_FILE = "private", "origins.parquet"
# what a record was made of, and the training record that it comes nearest to
PRIVATE_COLUMNS = ("first_parent", "second_parent", "nearest_training_record")

README = """# Private: names recordings of people; do not publish

`origins.parquet` names, for each record of this data set (`ecg_id`), {columns}. Whoever has the recordings can look up
whose they are, and that these people are in the training data. Leave this folder out of anything that you pass on: the
data set is whole without it, and no vqecg command reads it.
"""
MEANINGS = {
    "first_parent": "the recording that it was made of (`first_parent`)",
    "second_parent": "the one that was mixed in (`second_parent`)",
    "nearest_training_record": "the training record that it comes nearest to (`nearest_training_record`)",
}
README_LINE = (
    "`private/`: names the recordings of people that records were made of or come near to. **Do not publish it**: "
    "the data set is whole without this folder."
)


def split_origins(manifest: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The part of a manifest that may be shared, and the columns that name recordings, where they name any."""
    there = [name for name in PRIVATE_COLUMNS if name in manifest.columns]
    naming = [name for name in there if (manifest[name].astype(str) != "").any()]
    return manifest.drop(columns=there), manifest[naming]


def write_origins(folder: Path, ecg_ids: list[int], origins: pd.DataFrame) -> None:
    """Writes the recordings behind each record into the folder `private` of a data set."""
    place = folder / PRIVATE_FOLDER
    place.mkdir()
    table = origins.reset_index(drop=True)
    table.insert(0, "ecg_id", ecg_ids)
    table.to_parquet(place / ORIGINS_FILE)
    columns = " and ".join(MEANINGS[name] for name in origins.columns)
    (place / "README.md").write_text(README.format(columns=columns), "utf-8")
