"""`vqecg cluster` and `vqecg similar` end to end on simulated recordings."""

from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pyarrow.parquet as pq
import pytest

from vqecg.prior.generator import ECGGenerator
from vqecg.records.store.record_store import RecordStore
from vqecg.scripts.cli.main import main


@pytest.fixture(scope="module")
def words(
    tiny_generator: ECGGenerator, simulated_store: RecordStore, tmp_path_factory: pytest.TempPathFactory
) -> list[str]:
    folder = tmp_path_factory.mktemp("vectors")
    tiny_generator.save_pretrained(folder / "generator")
    store, out = str(simulated_store.folder), str(folder / "vectors.parquet")
    assert main(["embed", "--store", store, "--generator", str(folder / "generator"), "--out", out]) == 0
    return ["--store", store, "--vectors", out]


def test_groups_have_a_table_and_a_page(
    words: list[str],
    simulated_store: RecordStore,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    refused: Callable[..., str],
):
    out = tmp_path / "groups"
    given = ["cluster", *words, "--clustering.groups", "3", "--clustering.replicates", "2"]
    assert main([*given, "--out", str(out)]) == 0
    said = capsys.readouterr().out
    table = pd.read_csv(out / "groups.csv")
    assert len(table) == len(simulated_store) and table["medoid"].sum() == 3
    sizes = table["group"].value_counts(sort=False).sort_index().tolist()
    assert sizes == sorted(sizes, reverse=True) and f"1: {sizes[0]:,} records" in said
    page = (out / "groups.html").read_text(encoding="utf-8")
    assert page.count("<svg") == 3 and "A group is no diagnosis" in page
    assert "already holds an earlier output" in refused(*given, "--out", str(out))
    many = ["cluster", *words, "--clustering.groups", "9999", "--out", str(tmp_path / "a")]
    assert "choose --clustering.groups" in refused(*many)
    assert "expected width" in refused(*given, "--space.parts", "width", "--out", str(tmp_path / "a"))


def test_the_nearest_recordings_are_drawn(
    words: list[str],
    simulated_store: RecordStore,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    refused: Callable[..., str],
):
    record, out = str(simulated_store.table["record_id"].iloc[4]), tmp_path / "nearest"
    given = ["similar", *words, "--record", record, "--count", "2", "--other-patients"]
    assert main([*given, "--out", str(out)]) == 0
    table = pd.read_csv(out / "nearest.csv")
    assert len(table) == 2 and not table["same_patient"].any() and str(table["record_id"][0]) != record
    assert {path.name for path in out.glob("*.png")} == {"0.png", "1.png", "2.png"}
    assert f"record {record} (0.png)" in capsys.readouterr().out
    assert "the store has no such record" in refused(
        "similar", *words, "--record", "none", "--out", str(tmp_path / "a")
    )


def test_vectors_of_another_store_are_refused(
    words: list[str], simulated_store: RecordStore, tmp_path: Path, refused: Callable[..., str]
):
    other = tmp_path / "other.parquet"
    pd.read_parquet(words[3]).iloc[1:].to_parquet(other)
    given = ["cluster", "--store", words[1], "--out", str(tmp_path / "a"), "--vectors"]
    assert "has the parts none" in refused(*given, str(other))  # pandas writes lists of any length
    table = pq.read_table(words[3])
    pq.write_table(table.replace_schema_metadata({"vqecg.store": "0123456789abcdef"}), other)
    assert "records of store 0123456789abcdef" in refused(*given, str(other))
    (tmp_path / "text.parquet").write_text("nothing")
    assert "cannot be read as vectors" in refused(*given, str(tmp_path / "text.parquet"))
