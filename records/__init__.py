"""Recordings in and out: readers, labels, preparation, the store, writing, the simulator, plots."""

if __name__ != "vqecg.records":
    raise ImportError(
        "this folder is the package vqecg.records: install the checkout (pip install -e .) "
        "and import vqecg.records, not records"
    )
