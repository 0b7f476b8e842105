"""The benchmark of distances, at tiny size."""

from benchmarks.evaluation import distances


def test_distances_agree_with_the_root_of_a_matrix(run):
    printed = run(distances, "--records", "60", "--dimensions", "4")
    values = [line.split()[-3] for line in printed.splitlines() if "distances" in line or "Frechet" in line][1:]
    assert len(values) == 3 and len(set(values)) == 1
