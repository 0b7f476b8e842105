"""Arms that mix recordings are left out before training where the labels allow no mixture."""

from dataclasses import replace

import pytest

from vqecg.downstream.comparison.arms.registry import RUN, arms_of
from vqecg.downstream.comparison.design import Design
from vqecg.downstream.comparison.idle_mixing import without_idle_mixing
from vqecg.records.store.record_store import RecordStore

RUN_DESIGN = Design(arms=arms_of(RUN), target_classes=("HYP",))


def test_arms_stay_where_a_record_can_be_mixed(simulated_store: RecordStore):
    assert without_idle_mixing(RUN_DESIGN, simulated_store) == (RUN_DESIGN, ())


@pytest.mark.bad_input("classes that cannot be judged")
@pytest.mark.parametrize("name", ["Brugada", "long QT (my own)", "AFIB"])
def test_labels_that_cannot_be_mixed_leave_the_arm_out(simulated_store: RecordStore, name: str):
    table = simulated_store.table
    statements = [{name if row % 4 == 0 else "NORM": 100.0} for row in range(len(table))]
    store = replace(simulated_store, table=table.assign(statements=statements))
    design, idle = without_idle_mixing(replace(RUN_DESIGN, task="own", target_classes=(name,)), store)
    assert idle == ("latent interpolation",)
    assert [arm.name for arm in design.catalogue] == ["real only", "duplication", "prior samples"]
