"""Pooled out-of-fold scores: every record once, each fold at its own thresholds, patients drawn within folds."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import f1_score, roc_auc_score

from vqecg.downstream.comparison.out_of_fold import FoldedArm, FoldScores, analyse_folds, fold_metrics, pool_folds
from vqecg.downstream.comparison.results import Analysis
from vqecg.evaluation.statistics.resampling import draw_bootstrap

NAMES = ("MI", "HYP")


def fold_parts(
    seed: int = 0, folds: int = 4, patients: int = 40, scale: float = 0.0, better: float = 0.0
) -> tuple[FoldScores, ...]:
    """Folds of patients with two records each; fold k's classifiers score `scale` * k higher throughout."""
    generator = np.random.default_rng(seed)
    parts = []
    for fold in range(1, folds + 1):
        labels = np.repeat(generator.random((patients, 2)) < 0.3, 2, axis=0).astype(float)
        signal = labels + np.repeat(generator.normal(size=(patients, 2)), 2, axis=0) * 0.7
        more = better * labels * (1, 0)  # of MI alone
        scores = signal + more + generator.normal(scale=0.1, size=(3, *labels.shape)) + scale * fold
        names = tuple(f"{fold}-{row // 2}" for row in range(2 * patients))
        cuts = np.full((3, 2), 0.6 + scale * fold)
        records = tuple(f"record {fold}-{row}" for row in range(2 * patients))
        parts.append(FoldScores((fold,), 1 / (1 + np.exp(-scores)), 1 / (1 + np.exp(-cuts)), labels, names, records))
    return tuple(parts)


def arms(better: float) -> list[FoldedArm]:
    return [
        FoldedArm(name, "made up", 100, 0, fold_parts(better=better if name == "prior samples" else 0))
        for name in ("real only", "duplication", "prior samples")
    ]


def test_pooled_metrics_are_those_of_all_records_and_the_mean_of_folds_stands_beside_them() -> None:
    parts = fold_parts()
    table = fold_metrics(parts, NAMES).set_index(["metric", "class_name"])
    truth = np.concatenate([part.labels for part in parts])
    scores = np.concatenate([part.scores for part in parts], axis=1)
    expected = np.mean([roc_auc_score(truth[:, 0], own[:, 0]) for own in scores])
    assert table.loc[("auroc", "MI"), "pooled"] == pytest.approx(expected)
    each = [np.mean([roc_auc_score(p.labels[:, 0], own[:, 0]) for own in p.scores]) for p in parts]
    assert table.loc[("auroc", "MI"), "mean_of_folds"] == pytest.approx(np.mean(each))
    assert table.loc[("auroc", "MI"), ["lowest", "highest"]].tolist() == pytest.approx([min(each), max(each)])
    assert table.loc[("auroc", "MI"), "folds"] == 4


def test_each_fold_keeps_its_own_thresholds() -> None:
    parts = list(fold_parts())
    parts[1] = replace(parts[1], thresholds=np.full((3, 2), 0.9))
    truth = np.concatenate([part.labels for part in parts])
    predicted = np.concatenate([part.scores[0] >= part.thresholds[0] for part in parts])
    pooled = pool_folds(parts)
    assert ((pooled.scores[0] >= pooled.thresholds[0]) == predicted).all()
    alone = [replace(p, scores=p.scores[:1], thresholds=p.thresholds[:1]) for p in parts]
    table = fold_metrics(alone, NAMES).set_index(["metric", "class_name"])
    assert table.loc[("f1", "HYP"), "pooled"] == pytest.approx(f1_score(truth[:, 1], predicted[:, 1]))


@settings(deadline=None, max_examples=20)
@given(st.integers(0, 10_000), st.integers(1, 3))
def test_ranks_within_the_fold_change_neither_a_folds_auroc_nor_a_prediction(seed: int, digits: int) -> None:
    coarse = [replace(part, scores=part.scores.round(digits)) for part in fold_parts(seed, 2, 15)]
    plain, ranked = pool_folds(coarse), pool_folds(coarse, normalise=True)
    assert ((plain.scores >= plain.thresholds) == (ranked.scores >= ranked.thresholds)).all()
    own = plain.folds == "2"
    for column in range(2):
        if 0 < plain.labels[own, column].sum() < own.sum():
            before, after = (
                roc_auc_score(pool.labels[own, column], pool.scores[0, own, column]) for pool in (plain, ranked)
            )
            assert after == pytest.approx(before)
    assert ranked.scores.min() > 0 and ranked.scores.max() < 1


def test_scores_on_different_scales_lower_the_pooled_auroc_and_ranks_restore_it() -> None:
    even, uneven = fold_parts(), fold_parts(scale=2.0)
    tables = [fold_metrics(even, NAMES), fold_metrics(uneven, NAMES), fold_metrics(uneven, NAMES, normalise=True)]
    alike, apart, ranked = (table[table["metric"] == "auroc"].set_index("class_name").loc["MI"] for table in tables)
    assert apart["mean_of_folds"] == pytest.approx(alike["mean_of_folds"])
    assert apart["pooled"] < apart["lowest"] - 0.05
    assert ranked["pooled"] == pytest.approx(alike["pooled"], abs=0.02)
    f1 = [table[table["metric"] == "f1"]["pooled"].tolist() for table in tables]
    assert f1[0] == pytest.approx(f1[1]) and f1[1] == pytest.approx(f1[2])


def test_a_class_far_more_frequent_in_one_fold_is_not_ranked() -> None:
    parts = list(fold_parts())
    labels = parts[0].labels.copy()
    labels[:60, 1] = 1
    parts[0] = replace(parts[0], labels=labels)
    pool_folds(parts)
    with pytest.raises(ValueError, match=r"class 1 has .* positives in fold 1"):
        pool_folds(parts, normalise=True)


def test_a_fold_without_positives_has_no_say_in_the_mean_and_a_class_without_any_is_nan() -> None:
    parts = [replace(p, labels=p.labels * (p.folds > (1,), 0)) for p in fold_parts()]
    table = fold_metrics(parts, NAMES).set_index(["metric", "class_name"])
    assert table.loc[("auroc", "MI"), "folds"] == 3
    assert table.loc[("auroc", "HYP"), ["pooled", "mean_of_folds", "lowest"]].isna().all()


def test_patients_are_drawn_within_their_fold() -> None:
    folds = np.repeat([1, 2], (4, 6))
    draw = draw_bootstrap([f"p{row // 2}" for row in range(10)], 2, 50, 0, folds)
    assert (draw.record_weights[:, :4].sum(axis=1) == 4).all()
    assert (draw.record_weights[:, 4:].sum(axis=1) == 6).all()
    assert (draw.record_weights[:, 0] == draw.record_weights[:, 1]).all()
    assert draw.patients == 5
    with pytest.raises(ValueError, match="a patient is in two folds"):
        draw_bootstrap(["a", "a"], 1, 5, 0, np.array([1, 2]))
    with pytest.raises(ValueError, match="expected one per record"):
        draw_bootstrap(["a", "a"], 1, 5, 0, np.array([1]))


def test_a_gain_is_found_in_pooled_folds_and_the_folds_are_named() -> None:
    found = analyse_folds(arms(1.0), NAMES, ("MI",), (0, 1, 2), "by hand", {}, Analysis(replicates=199))
    assert found.folds == ("1", "2", "3", "4") and not found.normalised and found.test_patients == 160
    assert found.class_difference("prior samples", "real only", "MI", "average_precision")["verdict"] == "gain"
    assert not any("Pool folds" in caution for caution in replace(found, unjudged=("WPW",)).cautions)
    assert found.class_difference("prior samples", "real only", "HYP", "f1")["verdict"] == "no detectable difference"
    ranked = analyse_folds(arms(1.0), NAMES, ("MI",), (0, 1, 2), "", {}, Analysis(replicates=199), normalise=True)
    assert ranked.normalised
    keys = ("prior samples", "real only", "MI", "f1")
    assert ranked.class_difference(*keys)["estimate"] == found.class_difference(*keys)["estimate"]


def test_arms_tested_on_other_records_are_refused() -> None:
    given_arms = arms(0.0)
    given_arms[2] = replace(given_arms[2], parts=given_arms[2].parts[:3])
    with pytest.raises(ValueError, match="'prior samples' was not tested on the same records"):
        analyse_folds(given_arms, NAMES, ("MI",), (0, 1, 2), "", {}, Analysis(replicates=19))
    with pytest.raises(ValueError, match="there is no arm"):
        analyse_folds([], NAMES, ("MI",), (0, 1, 2), "", {}, Analysis(replicates=19))


def test_a_patient_a_record_or_a_fold_that_comes_twice_is_refused() -> None:
    parts = fold_parts()
    patients = replace(parts[1], patient_ids=parts[0].patient_ids)
    records = replace(parts[1], record_ids=parts[0].record_ids)
    with pytest.raises(ValueError, match="is in fold 1 and in fold 2"):
        pool_folds([parts[0], patients])
    with pytest.raises(ValueError, match="tested twice"):
        pool_folds([parts[0], records])
    for wrong in ([parts[0], parts[0]], [], [parts[0], replace_seeds(parts[1])]):
        with pytest.raises(ValueError, match="at least one fold, none twice"):
            pool_folds(wrong)
    unknown = [replace(part, patient_ids=("",) * 80) for part in parts]
    assert len(pool_folds(unknown).labels) == 320
    with pytest.raises(ValueError, match="as many ids as records"):
        replace(parts[0], patient_ids=("1",))
    with pytest.raises(ValueError, match="3 class names"):
        fold_metrics(parts, ("MI", "HYP", "CD"))


def replace_seeds(part: FoldScores) -> FoldScores:
    return replace(part, scores=part.scores[:2], thresholds=part.thresholds[:2])
