"""The check that a generator has learned from training records only."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vqecg.records.store.subset import TrainedOn

if TYPE_CHECKING:
    from vqecg.prior.generator import ECGGenerator


def check_generator(generator: ECGGenerator, wanted: TrainedOn, allow_other: bool = False) -> tuple[str, ...]:
    """Remarks on a tokenizer and prior that were trained on other records than the training records `wanted`.

    Fewer of the same records are a remark: nothing is given away. Raises ValueError with any other difference, unless
    `allow_other`.
    """
    problems, remarks = [], []
    for part in ("tokenizer", "prior"):
        if part not in generator.trained_on:
            problems.append(f"it does not say which records its {part} was trained on")
        else:
            seen = generator.trained_on[part]
            others = seen.differences(wanted)
            problems += [f"its {part} was trained on other records: {'; '.join(others)}"] if others else []
            if seen.fewer(wanted):
                remarks.append(f"The generator's {part} was trained on fewer of these training records: {seen.subset}.")
    if not problems:
        return tuple(remarks)
    why = ". ".join(problems)
    if not allow_other:
        raise ValueError(
            f"the generator does not fit this comparison: {why}. Train tokenizer and prior with the same --folds and "
            f"--subset ({wanted.subset}), or --allow-other-training for a comparison that says so in its report"
        )
    return (
        *remarks,
        f"CAUTION, OTHER TRAINING: the generator has not been trained on the training records of these folds ({why}). "
        "It may have seen what is held back here, and what it makes may carry that over: a gain proves little.",
    )
