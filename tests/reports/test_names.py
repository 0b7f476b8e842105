"""Classes in words, and the banners above a page."""

from vqecg.records.labels import TASKS, LabelTask
from vqecg.reports.names import class_line, in_words, named, spelled_out
from vqecg.reports.notices import SIMULATED, data_notices, preset_notices


def test_every_class_of_every_task_has_a_name() -> None:
    for task in TASKS:
        names = LabelTask.named(task).class_names
        assert [name for name in names if not in_words(name)] == [], task


def test_a_class_is_spelled_out_and_a_label_of_ones_own_stays() -> None:
    assert named("MI") == "MI (myocardial infarction)" and named("IAVB") == "IAVB (first degree AV block)"
    assert named("LQTS9") == "LQTS9" and spelled_out(["LQTS9", "AF"]) == {"AF": "atrial fibrillation"}
    assert class_line(["MI", "CD", "MI"]) == ("Classes: MI = myocardial infarction, CD = conduction disturbance.",)
    assert class_line(["LQTS9"]) == () and class_line(LabelTask.named("all").class_names) == ()


def test_simulated_data_and_a_trial_are_said() -> None:
    assert data_notices("synthetic records in PTB-XL's layout, 300 records") == (SIMULATED,)
    assert data_notices("PTB-XL 1.0.3, 21,799 records") == ()
    assert "mean nothing about real data" in preset_notices("tiny")[0] and preset_notices("small") == ()
