"""Fixtures shared by every test: where the real recordings are, and a small simulated data set."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

os.environ.setdefault("OMP_NUM_THREADS", "2")
os.environ.setdefault("HF_HUB_OFFLINE", "1")

CHECKOUT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def real_data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The unpacked real recordings: the folder VQECG_DATA names, or ../shared/data unpacked once a session."""
    named = os.environ.get("VQECG_DATA")
    if named:
        if not (Path(named) / "ptb-xl" / "ptbxl_database.csv").is_file():
            pytest.skip(f"VQECG_DATA={named} holds no ptb-xl/ptbxl_database.csv")
        return Path(named)
    unpack = CHECKOUT.parent / "shared" / "data" / "unpack.py"
    if not unpack.is_file():
        pytest.skip("no real recordings: set VQECG_DATA to a folder that holds ptb-xl/, cpsc2018/, ludb/ and challenge-*/")
    folder = tmp_path_factory.mktemp("real")
    subprocess.run([sys.executable, str(unpack), str(folder)], check=True, capture_output=True)
    return folder
