"""The measure behind classes of few test patients."""

from benchmarks.evaluation import few_positives


def test_of_one_positive_patient_chance_looks_like_a_gain_and_of_many_it_does_not(run):
    printed = run(few_positives, "--patients", "60", "--positives", "1", "20", "--trials", "40")
    shares = [float(line.split()[1]) for line in printed.splitlines() if line.split()[:1] in (["1"], ["20"])]
    assert len(shares) == 2 and shares[0] > 0.3 > shares[1]
