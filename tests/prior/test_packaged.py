"""The generators that come with vqecg."""

from pathlib import Path

import pytest

from vqecg.prior.generator import ECGGenerator
from vqecg.prior.packaged.places import PACKAGED, find_generator
from vqecg.scripts.cli.main import main

MOST_BYTES = 8_000_000  # in the wheel


@pytest.mark.parametrize("name", PACKAGED)
def test_a_packaged_generator_is_small_and_writes_records(name: str):
    folder = PACKAGED[name]
    assert sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) < MOST_BYTES
    generator = ECGGenerator.from_pretrained(name)
    records = generator.sample(["AFIB"], count=2, seed=0)
    assert records.signal.shape == (2, 12, generator.samples)
    assert "synthetic records" in (folder / "README.md").read_text("utf-8")  # and no recording of a person


def test_a_local_folder_of_that_name_goes_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    assert find_generator("simulated") == PACKAGED["simulated"]
    (tmp_path / "simulated").mkdir()
    assert find_generator("simulated") == Path("simulated")


def test_the_command_takes_its_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    words = ["generate", "--generator", "simulated", "--labels", "AFIB", "--count", "3", "--out", "x"]
    assert main(words) == 0
    assert len(list((tmp_path / "x").rglob("*.hea"))) == 2 * 3  # at 100 and at 500 Hz
