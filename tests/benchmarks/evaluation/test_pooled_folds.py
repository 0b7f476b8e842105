"""The measure behind ranks within the fold."""

from benchmarks.evaluation import pooled_folds


def test_scores_moved_by_fold_look_like_harm_and_ranks_within_the_fold_do_not(run):
    few = ("--folds", "6", "--patients", "40", "--seeds", "2", "--trials", "8", "--replicates", "99")
    printed = run(pooled_folds, "--moved", "0", "3", *few)
    rows = [line.split() for line in printed.splitlines() if line.split()[:1] in (["0"], ["3"])]
    still, moved = ([float(row[place]) for place in (1, 5, 9, 13)] for row in rows)  # a share, "(low", "to", "high)"
    assert moved[0] > 0.5 > max(*still, *moved[1:])
