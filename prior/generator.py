"""ECGGenerator: tokenizer and prior in one folder, labels in and 12-lead ECGs out."""

import json
from collections.abc import Container, Mapping, Sequence
from pathlib import Path
from typing import Any, Self

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from vqecg.prior.conditioning import COARSER_TASKS, Condition
from vqecg.prior.config import USUAL_SAMPLING, SamplingSettings
from vqecg.prior.copies.training_gate import training_gate
from vqecg.prior.detail.decoding import decoded
from vqecg.prior.merged_conditions import label_counts as count_labels
from vqecg.prior.merged_conditions import read_label_counts
from vqecg.prior.modeling import ECGPrior, check_fit
from vqecg.prior.packaged.places import find_generator, is_generator
from vqecg.prior.requests import Requests, check_conditions, draw_requests, join_labels, read_conditions, split_labels
from vqecg.prior.sampled_records import MIN_PARENTS, ask, sampled_records
from vqecg.prior.sampling import sample
from vqecg.prior.sketch.sketch import Sketch
from vqecg.prior.synthetic_records import SyntheticRecords
from vqecg.records.attributes import ATTRIBUTES
from vqecg.records.bounds import CountOrNone, DerivedSeed, Seed, check_value
from vqecg.records.ecg_records import ECGRecords
from vqecg.records.files.atomic import atomic_folder, write_text
from vqecg.records.files.checksums import write_checksums
from vqecg.records.files.json_file import reading
from vqecg.records.labels import LabelTask
from vqecg.records.store.record_store import RecordStore
from vqecg.records.store.subset import TrainedOn
from vqecg.tokenizer.modeling import ECGTokenizer
from vqecg.training.checkpoint import CONFIG_FILE, FORMAT_VERSION, fingerprint, read_config


class ECGGenerator:
    """A prior with the tokenizer that it was trained with, the label task, and the conditions that occurred.

    `conditions` is the joint distribution of labels and attributes in the training folds, a table as
    `training_conditions` or `merged_conditions` makes it. Requests that leave attributes open are drawn from it.
    `trained_on` says which records "prior" and "tokenizer" have seen; what is not in it is not known. `label_counts`
    has the training records of each label (by default those of `conditions`, which may be merged).
    """

    def __init__(
        self,
        tokenizer: ECGTokenizer,
        prior: ECGPrior,
        task: LabelTask,
        conditions: pd.DataFrame,
        samples: int,
        trained_on: Mapping[str, TrainedOn] | None = None,
        label_counts: Mapping[str, int] | None = None,
    ) -> None:
        """Raises ValueError when the prior was trained with another tokenizer, or its settings, the classes or the
        conditions are not of one generator."""
        given = fingerprint(tokenizer)
        if prior.config.tokenizer_fingerprint != given:
            raise ValueError(
                f"the prior was trained with tokenizer {prior.config.tokenizer_fingerprint}, this one is {given}: "
                "use the tokenizer of its training, or train the prior again"
            )
        if prior.config.class_names != task.class_names:
            raise ValueError(
                f"the prior knows the labels {prior.config.class_names}, the task {task.name!r} has "
                f"{task.class_names}: use the task of its training"
            )
        check_fit(prior, tokenizer, samples)
        check_conditions(conditions, task.class_names, prior.config.attributes)
        self.tokenizer, self.prior, self.task = tokenizer.eval(), prior.eval(), task
        self.conditions, self.samples = conditions, samples
        self.trained_on = dict(trained_on or {})
        self.label_counts = dict(count_labels(conditions) if label_counts is None else label_counts)

    def __repr__(self) -> str:
        rate, labels = self.tokenizer.config.sampling_rate, len(self.class_names)
        return f"ECGGenerator({self.task.name!r}, {labels} labels, {self.samples / rate:g} s at {rate} Hz)"

    @property
    def class_names(self) -> tuple[str, ...]:
        """The labels that can be asked for."""
        return self.task.class_names

    @property
    def attributes(self) -> tuple[str, ...]:
        """The attributes that can be asked for, such as age and sex."""
        return self.prior.config.attributes

    @property
    def fingerprint(self) -> str:
        """16 hex digits that name the weights of both models."""
        return fingerprint(self.prior)

    def requests(
        self, labels: Sequence[str], count: int, seed: int, only: bool = False, **attributes: float | str
    ) -> Requests:
        """`count` requests for records with `labels` together, drawn from the training records that have them.

        Labels are classes of the generator's task, or of a coarser one: HYP, say, of a generator for all statements.
        Other labels and the attributes come along as they occurred together, unless given (age=70.0, sex="female");
        with `only`, no other class of the same task comes along. Raises ValueError for an unknown label, attribute or
        value, or labels that never occurred together.
        """
        self.check_attributes(attributes)
        return self.draw(self.parents(labels, only), count, seed, attributes)

    def check_attributes(self, attributes: Mapping[str, Any]) -> None:
        """Raises ValueError for an attribute that the prior is not conditioned on, or a value that it cannot have."""
        for name, value in attributes.items():
            if name not in self.attributes:
                raise ValueError(f"attribute {name!r} is unknown; expected some of {', '.join(self.attributes)}")
            ATTRIBUTES.get(name).check(value)

    def check_requests(self, requests: Requests) -> None:
        """Raises ValueError for labels of other classes or other than 0, 1 and, if the prior learned from unknown ones,
        NaN, and as `check_attributes`."""
        requests.check_labels(len(self.class_names), self.prior.config.unknown_labels)
        for name, values in requests.attributes.items():
            if len(values) != len(requests):
                raise ValueError(
                    f"got {len(values)} values of {name} for {len(requests)} records; expected one for each"
                )
            for value in values:
                self.check_attributes({name: value})

    def parents(self, labels: Sequence[str], only: bool = False) -> pd.DataFrame:
        """The rows of the table of conditions that have `labels` together (and `only` these of their task).

        Raises ValueError for unknown labels, and when there is no such row.
        """
        members, wanted = self.task_of(labels), set(labels)
        classes = [
            {members[name] for name in split_labels(row) if name in members} for row in self.conditions["labels"]
        ]
        rows = self.conditions[[names == wanted if only else names >= wanted for names in classes]]
        if rows.empty:
            often = self.conditions.assign(classes=[join_labels(sorted(names)) for names in classes])
            counts = often.groupby("classes")["count"].sum().sort_values(ascending=False)
            usual = ", ".join(filter(None, counts.index[:12]))
            raise ValueError(
                f"no training record has {'exactly ' if only else ''}the labels {join_labels(labels)} together, or too "
                f"few have: the prior cannot know them. Combinations that occurred: {usual}"
            )
        return rows

    def parents_without(self, labels: Sequence[str], left_out: Container[str], only: bool = False) -> pd.DataFrame:
        """Those of `parents` that have `labels` even when the classes `left_out` are not asked for; may be none."""
        members, rows = self.task_of(labels), self.parents(labels, only)
        left = [
            {members[name] for name in split_labels(row) if name in members and name not in left_out}
            for row in rows["labels"]
        ]
        return rows[[names >= set(labels) for names in left]]

    def rare_labels(self, least: int) -> dict[str, int]:
        """The labels that some, but fewer than `least`, training records have, alone or with others; how many have."""
        return {name: count for name, count in self.label_counts.items() if count < least}

    def task_of(self, labels: Sequence[str]) -> dict[str, str]:
        """The generator's class -> class of the first task that has all of `labels`: its own, or a coarser one.

        Raises ValueError when there is none.
        """
        same = {name: name for name in self.class_names}
        for members in (same, *(LabelTask.named(task).members for task in COARSER_TASKS)):
            if labels and set(labels) <= set(members.values()):
                return {name: members[name] for name in self.class_names if name in members}
        raise ValueError(
            f"got the labels {list(labels)}; expected some of {', '.join(self.class_names)}, or classes of one of the "
            f"tasks {', '.join(COARSER_TASKS)}"
        )

    def draw(
        self, conditions: pd.DataFrame, count: int, seed: int, attributes: Mapping[str, Any] | None = None
    ) -> Requests:
        """`count` requests drawn from rows of the table of conditions, in proportion to their counts.

        `attributes` that are given take the place of the drawn ones; an unknown value (NaN, "unknown") does not.
        Raises ValueError for a count or seed that cannot be, and as `check_attributes`.
        """
        check_value("count", count, CountOrNone)
        check_value("seed", seed, Seed)
        self.check_attributes(attributes or {})
        wanted = {name: ATTRIBUTES.get(name).unknown for name in self.attributes} | dict(attributes or {})
        return draw_requests(conditions, self.class_names, count, seed, wanted)

    def sample(
        self,
        labels: Sequence[str],
        count: int,
        seed: int,
        settings: SamplingSettings = USUAL_SAMPLING,
        only: bool = False,
        min_parents: int = MIN_PARENTS,
        against: RecordStore | str | Path | None = None,
        **attributes: float | str,
    ) -> ECGRecords:
        """`count` ECGs with `labels` together, as `requests`: to the bit those that `vqecg generate` writes.

        No labels: all combinations of the training. Labels that fewer than `min_parents` training records have do not
        come along. `against` is the store of the training: records too near to one of it are drawn anew. Raises
        ValueError where too few records are left to learn `labels` from, as `requests`, and as `training_gate`.
        """
        asked = ask(self, labels, count, seed, attributes, only, min_parents)
        gate = None if against is None else training_gate(self, against)
        return sampled_records(self, asked.requests, seed, settings, gate)

    def generate(
        self, requests: Requests, seed: int, settings: SamplingSettings | None = None, first: int = 0
    ) -> SyntheticRecords:
        """One record for each request; the same seed and requests give the same bits on the same machine and threads.

        `first` is the number of the first record in the whole set, when this call writes one shard of it.
        """
        check_value("seed", seed, DerivedSeed)
        self.check_requests(requests)
        condition = Condition.of(requests.labels, requests.attributes, unknown_labels=True)  # if any, as just checked
        settings = settings or SamplingSettings()
        drawn = sample(self.prior, condition, seed, settings, first)
        signal = self.decode(drawn.codes, drawn.sketch, settings.batch_size)
        return SyntheticRecords.sampled(signal, requests, self.task, drawn.codes.numpy(), drawn.sketch)

    def decode(self, codes: Tensor, sketch: Sketch, batch_size: int = 64, correct: bool = True) -> np.ndarray:
        """Codes (records, frames, levels) with the sketches they were written for -> (records, 8, samples) mV.

        The detail model puts back the levels that the prior does not write, as far as the sketch determines them
        (prior/detail/modeling.py), and with `correct` the recording is held to the sketch (prior/sketch/correction.py),
        which codes of a recording itself do not need. float32.
        """
        device = next(self.tokenizer.parameters()).device
        parts = [torch.zeros(0, len(self.tokenizer.config.leads), self.samples)]
        models = (self.tokenizer, self.prior.sketch, self.prior.detail)
        for start in range(0, len(codes), batch_size):
            rows = slice(start, start + batch_size)
            parts.append(decoded(codes[rows].to(device), sketch[rows].to(device), *models, self.samples, correct).cpu())
        return torch.cat(parts).numpy()

    def save_pretrained(self, folder: str | Path, card: str = "", overwrite: bool = False) -> None:
        """Writes tokenizer/, prior/, conditions.csv, config.json and README.md into a new folder, all or nothing."""
        with atomic_folder(Path(folder), is_generator, overwrite) as partial:
            self.tokenizer.save_pretrained(partial / "tokenizer")
            self.prior.save_pretrained(partial / "prior")
            self.conditions.to_csv(partial / "conditions.csv", index=False)
            about = {
                "class": "ECGGenerator",
                "format_version": FORMAT_VERSION,
                "config": {
                    "samples": self.samples,
                    "task": self.task.to_dict(),
                    "trained_on": {part: seen.to_dict() for part, seen in self.trained_on.items()},
                    "label_counts": self.label_counts,
                },
            }
            write_text(partial / "README.md", card or "# ECGGenerator\n\nResearch use, not for diagnosis.\n")
            write_text(partial / "config.json", json.dumps(about, indent=2) + "\n")
            write_checksums(partial)

    @classmethod
    def from_pretrained(cls, folder: str | Path) -> Self:
        """Loads a generator from its folder, or from that of `vqecg train-prior` or `vqecg run`, which holds it.

        Raises ValueError for a folder that holds none, or one whose parts do not fit together.
        """
        folder = find_generator(folder)
        about = read_config(folder)
        if about.get("class") != "ECGGenerator" or about.get("format_version") != FORMAT_VERSION:
            raise ValueError(
                f"{folder} holds {about.get('class')} of format {about.get('format_version')}; expected ECGGenerator "
                f"of format {FORMAT_VERSION}: give the folder that `vqecg train-prior` wrote"
            )
        missing = {"task", "samples"} - set(about["config"])
        if missing or not is_generator(folder):
            raise ValueError(
                f"{folder} is no whole generator: expected tokenizer/, prior/, conditions.csv, and task and samples in "
                "config.json; copy it again"
            )
        with reading(folder / CONFIG_FILE):
            task = LabelTask.from_dict(about["config"]["task"])
            seen = {part: TrainedOn.from_dict(one) for part, one in about["config"].get("trained_on", {}).items()}
            counts = read_label_counts(about["config"])
        prior = ECGPrior.from_pretrained(folder / "prior")
        tokenizer = ECGTokenizer.from_pretrained(folder / "tokenizer")
        conditions = read_conditions(folder / "conditions.csv", prior.config.attributes)
        with reading(folder):
            return cls(tokenizer, prior, task, conditions, about["config"]["samples"], seen, counts)
