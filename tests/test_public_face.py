"""The names that `import vqecg` offers."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

import vqecg

if TYPE_CHECKING:
    from vqecg.prior.generator import ECGGenerator


def test_every_name_is_there_and_another_one_is_refused():
    for name in vqecg.__all__:
        assert getattr(vqecg, name) is not None
    assert dir(vqecg) == sorted(vqecg.__all__)
    with pytest.raises(AttributeError, match="has no attribute 'generate'; it has ClassicAugmentation"):
        vqecg.__getattr__("generate")


def test_a_data_set_is_simulated_read_and_prepared(tmp_path: Path):
    vqecg.simulate(tmp_path / "data", 20, seed=0, progress=False)
    records = list(vqecg.read_records(tmp_path / "data"))
    assert len(records) == 20 and records[0].signal.shape == (12, 1000)
    store = vqecg.prepare(tmp_path / "data", tmp_path / "store", sampling_rate=50, progress=False)
    assert store.signals(slice(None)).shape == (20, 8, 500)
    again = vqecg.prepare(tmp_path / "data", tmp_path / "store", sampling_rate=50, progress=False)
    assert again.fingerprint == store.fingerprint


def test_ecgs_are_sampled_drawn_saved_and_read_in_five_lines(tiny_generator: ECGGenerator, tmp_path: Path):
    tiny_generator.save_pretrained(tmp_path / "run" / "prior" / "generator")
    generator = vqecg.ECGGenerator.from_pretrained(tmp_path / "run")
    records = generator.sample(["NORM"], count=2, seed=0, age=70, sex="female")
    records[0].plot().savefig(tmp_path / "normal.png")
    records.save(tmp_path / "set")
    signal, labels = records.to_torch(leads=8)
    assert isinstance(records, vqecg.ECGRecords) and isinstance(records[0], vqecg.ECGRecord)
    assert (tmp_path / "normal.png").stat().st_size > 10_000 and signal.shape == (2, 8, 1000) and len(labels) == 2
    read = vqecg.read(tmp_path / "set" / "records100" / "1000000" / "1000000_lr")
    assert read.synthetic and read.age == 70 and list(read.statements) == ["NORM"]
    np.testing.assert_allclose(read.signal, records[0].signal, atol=0.0021)
    assert vqecg.plot(read).axes and vqecg.plot(read.signal, sampling_rate=100).axes


def test_a_transform_takes_what_a_generator_gives(tiny_generator: ECGGenerator):
    signal, _ = tiny_generator.sample(["NORM"], count=2, seed=0).to_torch(leads=8)
    augmented = vqecg.ClassicAugmentation(share=1.0)(signal, 100, np.random.default_rng(0))
    assert augmented.shape == signal.shape and not augmented.equal(signal)


def test_the_face_has_types_and_the_package_says_so(tmp_path: Path):
    assert (Path(vqecg.__file__).parent / "py.typed").is_file()
    code = "import vqecg; vqecg.ECGRecord, vqecg.read; import sys; print({'torch', 'matplotlib'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()", "a record is read without waiting for what draws or learns"
