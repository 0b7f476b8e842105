"""Arms that learn from training records whose labels are unknown, and need no generator: the controls of a mixture.

Each is a stream beside the labelled records, as the samples of a "mixture" are, with the same share of every batch and
the same number of steps. They are refused where all labels of all training records are known.
"""

import hashlib
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import torch

from vqecg.downstream.augmentation.methods.registry import Ingredients
from vqecg.downstream.augmentation.teachers import PseudoLabelled, doubtful_rows, hard_labels, soft_labels
from vqecg.downstream.classifiers.batch_augmentation import CLASSIC
from vqecg.downstream.classifiers.mixture import SHARE
from vqecg.downstream.classifiers.signals import Signals, in_batches
from vqecg.downstream.comparison.arms.arm_data import ArmData
from vqecg.downstream.comparison.arms.kinds import FILLING
from vqecg.downstream.comparison.arms.mixtures import USUAL_SHARE
from vqecg.downstream.comparison.arms.registry import ARMS, ComparisonArm
from vqecg.records.files.array_file import open_array
from vqecg.records.files.kept_array import kept_array
from vqecg.records.store.selection import RecordSelection
from vqecg.tokenizer.modeling import ECGTokenizer
from vqecg.training.checkpoint import fingerprint

if TYPE_CHECKING:
    from vqecg.downstream.comparison.arms.filling import Filling


PSEUDO_LABELS = "pseudo-labels"
OF_EVERY_BATCH = "half of every batch: "


class UnlabelledArm(ComparisonArm):
    """A stream of the training records with unknown labels, with soft pseudo-labels."""

    stream: ClassVar[bool] = True

    def check(self, ingredients: Ingredients) -> None:
        """Raises ValueError where every label of every training record is known, too."""
        super().check(ingredients)
        doubtful_rows(ingredients, self.name)

    def fill(self, filling: "Filling") -> ArmData:
        """All of them, in random order: tuning may take the first ones. A label that is known stays as it is."""
        labelled = self.labelled(filling).shuffled(filling.stream_seed)
        records = RecordSelection(filling.ingredients.store, labelled.rows)
        what = self.help.removeprefix(OF_EVERY_BATCH)  # tuning may choose another share
        note = f"{len(records):,} training records with unknown labels as a stream ({what})"
        signals, copies = self.signals(filling, records), self.copies(records)
        arm = ArmData(self.name, signals, labelled.labels, note, copies, self.training, stream=True)
        return self.after_pretraining(arm, filling)

    def labelled(self, filling: "Filling") -> PseudoLabelled:
        """The records, with the labels that they are trained by."""
        chosen, seed = filling.controls.pseudo_labels, filling.stream_seed
        return soft_labels(filling.ingredients, filling.training, chosen, seed, filling.folder)

    def signals(self, filling: "Filling", records: RecordSelection) -> Signals:
        """The signals of the records, as they are trained on."""
        return records

    def copies(self, records: RecordSelection) -> int:
        """The number of signals that are real: none is synthetic."""
        return len(records)


class HardLabelArm(UnlabelledArm):
    """The same with labels of 0 and 1 for the surest records of each class, and none for the others."""

    def labelled(self, filling: "Filling") -> PseudoLabelled:
        """The records that have a label."""
        ingredients = filling.ingredients
        known = ingredients.store.labels(ingredients.task, ingredients.rows, math.nan)
        return hard_labels(super().labelled(filling), known, filling.controls.pseudo_labels.sure_share)


class ConsistencyArm(UnlabelledArm):
    """The same without teachers: the classifier's sure predictions of a record are the labels of its augmented view."""

    def labelled(self, filling: "Filling") -> PseudoLabelled:
        """The records with unknown labels as NaN."""
        rows = doubtful_rows(filling.ingredients, self.name)
        labels = filling.ingredients.store.labels(filling.ingredients.task, rows, math.nan)
        return PseudoLabelled(rows, labels, np.isnan(labels))


class ReconstructedArm(UnlabelledArm):
    """The tokenizer's reconstructions in place of the records: what of a mixture's gain its codec could bring."""

    @property
    def needs_generator(self) -> bool:
        """True: it is of its tokenizer."""
        return True

    def signals(self, filling: "Filling", records: RecordSelection) -> Signals:
        """All levels decoded."""
        return reconstructions(records, filling.ingredients.generator.tokenizer, filling.folder)

    def copies(self, records: RecordSelection) -> int:
        """None is real."""
        return 0


@dataclass(frozen=True)
class MappedSignals:
    """Signals in a .npy file, read when they are asked for; another process is sent the path only."""

    path: Path
    shape: tuple[int, ...]  # (records, leads, samples)

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, indices: np.ndarray) -> np.ndarray:
        return np.asarray(open_array(self.path, self.shape, "<f4")[indices])


def reconstructions(records: RecordSelection, tokenizer: ECGTokenizer, folder: Path) -> MappedSignals:
    """Records through the tokenizer and back, from a file in `folder`, or made and written there.

    Raises ValueError for records at another sampling rate than the tokenizer's.
    """
    spec = records.store.spec
    tokenizer.check_sampling_rate(spec.sampling_rate)
    device = next(tokenizer.parameters()).device

    @torch.inference_mode()
    def decoded() -> np.ndarray:
        batches = (torch.from_numpy(batch).to(device) for batch in in_batches(records, 64))
        return torch.cat([tokenizer.decode(tokenizer.encode(batch), spec.samples).cpu() for batch in batches]).numpy()

    about = json.dumps([records.store.fingerprint, fingerprint(tokenizer)])
    digest = hashlib.blake2b(about.encode() + records.rows.tobytes(), digest_size=8).hexdigest()
    path, shape = folder / f"reconstructions-{digest}.npy", (len(records), len(tokenizer.config.leads), spec.samples)
    kept_array(path, shape, "<f4", decoded)
    return MappedSignals(path, shape)


_SCORES = "the scores of classifiers trained on the labelled records"
_GUESSED = "unlabelled ECGs (labelled by classifiers)"
_ARMS: Sequence[tuple[float, type[UnlabelledArm], str, str, str, Mapping[str, Any]]] = (
    (15.0, UnlabelledArm, PSEUDO_LABELS, f"labelled by {_SCORES}", _GUESSED, {}),
    (15.1, HardLabelArm, "hard pseudo-labels", f"the surest of each class labelled by {_SCORES}", _GUESSED, {}),
    (
        15.2,
        ReconstructedArm,
        "reconstructions of unlabelled",
        f"through the codec, labelled by {_SCORES}",
        "reconstructed unlabelled ECGs (labelled by classifiers)",
        {},
    ),
    (
        15.3,
        ConsistencyArm,
        "consistency",
        "the augmented view labelled by sure predictions of the other (FixMatch)",
        "unlabelled ECGs (labelled by the classifier itself)",
        {"consistency.weight": 1.0, "augmentation.name": CLASSIC},
    ),
)
for _rank, _kind, _name, _help, _noun, _changes in _ARMS:
    _training, _words = {SHARE: USUAL_SHARE, **_changes}, f"{OF_EVERY_BATCH}ECGs without labels, {_help}"
    ARMS.register(_name, _rank)(_kind(_name, _words, training=_training, doing=FILLING + _noun))
