"""The checks that a generator fits a store, and has learned from its training records only."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from vqecg.prior.config import PARTS
from vqecg.records.labels import OWN
from vqecg.records.store.subset import TrainedOn

if TYPE_CHECKING:
    from vqecg.prior.generator import ECGGenerator
    from vqecg.records.store.record_store import RecordStore


NO_GENERATOR = "no generator is named"  # of a message, where one is needed
LEARN_LABELS = ("prior",)  # a tokenizer learns from recordings alone


def check_generator(
    generator: ECGGenerator,
    store: RecordStore,
    wanted: TrainedOn,
    allow_other: bool = False,
    allow_silent: bool = False,
) -> tuple[str, ...]:
    """Remarks on a tokenizer and prior that were trained on other records than the training records `wanted`.

    Fewer of the same records are a remark: nothing is given away. Raises ValueError with any other difference, unless
    `allow_other`; for a generator that does not say what it was trained on, unless `allow_silent` or `allow_other`; and
    as `check_fits`.
    """
    check_fits(generator, store)
    seen = generator.trained_on
    silent, others = unknown_training(seen), other_training(seen, wanted)
    there = [part for part in PARTS if part in seen]
    fewer = {part: seen[part].subset for part in there if seen[part].fewer(wanted, part in LEARN_LABELS)}
    remarks = [
        f"The generator's {part} was trained on fewer of these training records: {subset}."
        for part, subset in fewer.items()
    ]
    if not silent and not others:
        return tuple(remarks)
    why = "; ".join([*silent, *others])
    if (others and not allow_other) or (silent and not (allow_other or allow_silent)):
        raise ValueError(
            f"the generator does not fit these training records: {why}. Give the store, --folds and --subset of its "
            f"training, or train tokenizer and prior with these ({wanted.subset}); --allow-other-training goes on, and "
            "what is written says so"
        )
    known = "has not been trained on" if others else "may not have been trained on"
    return (
        *remarks,
        f"CAUTION, OTHER TRAINING: the generator {known} the training records of these folds ({why}). "
        "It may have seen what is held back here, and what it makes may carry that over: a gain proves little.",
    )


def check_fits(generator: ECGGenerator, store: RecordStore) -> None:
    """Raises ValueError for a store of another sampling rate, length or other class names than the generator's."""
    generator.tokenizer.check_sampling_rate(store.spec.sampling_rate)
    if generator.samples != store.spec.samples:
        raise ValueError(
            f"{store.folder} holds records of {store.spec.samples} samples, the generator makes {generator.samples}: "
            "give the store of its training, or prepare one of that length (--spec.seconds)"
        )
    if generator.task.name != OWN:
        return  # the classes of a named task are the same everywhere
    names = store.task(OWN).class_names
    if names != generator.class_names:
        missing, more = (
            ", ".join(sorted(set(a) - set(b))[:6]) or "none"
            for a, b in ((generator.class_names, names), (names, generator.class_names))
        )
        raise ValueError(
            f"{store.folder} has other labels than the generator: it lacks {missing}, and has besides {more}; "
            "give the store of its training, or train a prior on this one"
        )


def unknown_training(seen: Mapping[str, TrainedOn], parts: Sequence[str] = PARTS) -> list[str]:
    """A clause on the `parts` that do not say what they were trained on, if any."""
    silent = [part for part in parts if part not in seen]
    were = "were" if len(silent) > 1 else "was"
    return [f"it does not say which records its {' and '.join(silent)} {were} trained on"] if silent else []


def other_training(seen: Mapping[str, TrainedOn], wanted: TrainedOn) -> list[str]:
    """Clauses on the parts that were trained on other records than `wanted`, with the differences."""
    return in_words({part: on.differences(wanted, part in LEARN_LABELS) for part, on in seen.items()})


def in_words(differences: Mapping[str, Sequence[str]]) -> list[str]:
    """Clauses on the differences of each part's training, parts that differ alike together; none without any."""
    alike: dict[str, list[str]] = {}
    for part in sorted(differences, reverse=True):
        if differences[part]:
            alike.setdefault(", ".join(differences[part]), []).append(part)
    return [
        f"its {' and '.join(parts)} {'was' if len(parts) == 1 else 'were'} trained on other records: {what}"
        for what, parts in alike.items()
    ]
