"""The benchmark of merged conditions, at tiny size."""

from benchmarks.sampling import conditions
from vqecg.records.store.record_store import RecordStore


def test_merging_loses_no_record_and_leaving_rows_out_does(simulated_store: RecordStore, run):
    lines = run(conditions, "--store", str(simulated_store.folder)).splitlines()
    rows = {line.split("  ")[1]: line.split("  ") for line in lines if line.startswith("  all,")}
    records = {name.removeprefix("all, "): int([cell for cell in row if cell][3]) for name, row in rows.items()}
    assert records["exact"] == records["merged"] > records["rows under 5 left out"]
