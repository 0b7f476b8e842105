"""New records between two real ones of the same labels: latent interpolation with beats aligned first.

Liu et al. 2020 mix the embeddings of two ECGs as they are; unless their beats coincide, the mixture shows the beats of
both. Here the second parent's beats are moved onto the first's (records/beats.py) before encoding; the two embeddings
are mixed before quantization and quantized anew, so that what is decoded is made of codes.
"""

from dataclasses import dataclass

import numpy as np
import torch
from tqdm.auto import tqdm

from vqecg.records.beats import MIN_BEATS, align_beats, may_interpolate
from vqecg.records.labels import LabelTask
from vqecg.records.rpeaks import find_r_peaks
from vqecg.records.store import RecordStore
from vqecg.tokenizer.modeling import ECGTokenizer

MOST_FAILURES = 200  # draws without a pair before a class is given up


@dataclass(frozen=True)
class InterpolationSettings:
    """How pairs of parents are mixed."""

    weight_concentration: float = 2.0  # a of the symmetric Beta(a, a) that the second parent's weight is drawn from
    aligned: bool = True  # False: the naive mixture, which makes ghost beats (for comparison)
    attempts: int = 20  # partners tried for a record before another is drawn
    seed: int = 0


@dataclass(frozen=True)
class Pair:
    """Two parents, as rows of the store."""

    first: int  # gives rhythm and R times
    second: int
    weight: float  # of the second, 0 to 1


@dataclass(frozen=True)
class Interpolations:
    """Interpolated records; row n of each field belongs together."""

    signal: np.ndarray  # (records, 8, samples) float32 mV
    labels: np.ndarray  # (records, classes) float32, which both parents have exactly
    pairs: tuple[Pair, ...]
    passed_over: int  # draws for which no partner or too few beats were found


@torch.inference_mode()
def interpolate(
    tokenizer: ECGTokenizer, first: np.ndarray, second: np.ndarray, weight: float, aligned: bool = True
) -> np.ndarray:
    """The record at `weight` (0 = first, 1 = second) between two: (8, samples) float32 mV, in the first's rhythm.

    Raises ValueError for a weight outside 0 to 1, or when too few beats are found to align.
    """
    if not 0 <= weight <= 1:
        raise ValueError(f"weight is {weight}; expected 0 (the first record) to 1 (the second)")
    if aligned:
        second = align_beats(first, second, tokenizer.config.sampling_rate).signal
    device = next(tokenizer.parameters()).device
    embedding = tokenizer.embed(torch.from_numpy(np.stack([first, second])).to(device))
    mixed = torch.lerp(embedding[:1], embedding[1:], weight)
    return tokenizer.decode(tokenizer.quantizer.encode(mixed), first.shape[1])[0].cpu().numpy()


def interpolate_store(
    tokenizer: ECGTokenizer,
    store: RecordStore,
    indices: np.ndarray,
    task: LabelTask,
    counts: dict[str, int],
    settings: InterpolationSettings,
    progress: bool = True,
) -> Interpolations:
    """For each class of `counts`, that many records between two of the rows `indices` that have it.

    Parents have exactly the same labels of the task and different patients, so that the labels of the mixture are no
    guess, and no statement that is bound to its rhythm (records/beats.py). Raises ValueError when a class has no such
    pair at all.
    """
    labels = store.labels(task)
    signals: list[np.ndarray] = []
    pairs: list[Pair] = []
    passed_over = 0
    with tqdm(total=sum(counts.values()), desc="interpolating", unit="record", disable=not progress, delay=2) as bar:
        for column, name in enumerate(task.class_names):
            generator = np.random.default_rng([settings.seed, column])
            parents = indices[labels[indices, column] > 0]
            made = failures = 0
            while made < counts.get(name, 0):
                pair = draw_pair(store, labels, parents, settings, generator)
                mixed = None if pair is None else mix(tokenizer, store, pair, settings.aligned)
                if pair is None or mixed is None:
                    failures += 1
                    if made == 0 and failures > MOST_FAILURES:
                        raise ValueError(
                            f"found no two records of {name!r} to interpolate among {len(parents)}: they need the same "
                            "labels, different patients, three beats and no rhythm statement such as AFIB; use prior "
                            "samples for this class"
                        )
                    continue
                signals.append(mixed)
                pairs.append(pair)
                made += 1
                bar.update()
            passed_over += failures
    signal = (
        np.stack(signals) if signals else np.zeros((0, len(tokenizer.config.leads), store.spec.samples), np.float32)
    )
    rows = np.array([pair.first for pair in pairs], dtype=np.int64)
    return Interpolations(signal, labels[rows], tuple(pairs), passed_over)


def draw_pair(
    store: RecordStore,
    labels: np.ndarray,
    parents: np.ndarray,
    settings: InterpolationSettings,
    generator: np.random.Generator,
) -> Pair | None:
    """A random pair among the rows `parents`, or None when the first drawn has no partner."""
    if len(parents) == 0:
        return None
    patients, statements = store.table["patient_id"], store.table["statements"]
    first = int(generator.choice(parents))
    weight = float(generator.beta(settings.weight_concentration, settings.weight_concentration))
    other_patient = (patients.iloc[parents] != patients.iloc[first]).to_numpy()
    partners = parents[(labels[parents] == labels[first]).all(1) & other_patient]
    for second in generator.permutation(partners)[: settings.attempts]:
        if may_interpolate(statements.iloc[first], statements.iloc[second]) is None:
            return Pair(first, int(second), weight)
    return None


def mix(tokenizer: ECGTokenizer, store: RecordStore, pair: Pair, aligned: bool) -> np.ndarray | None:
    """The record between the two of a pair: (8, samples) mV, or None when a parent shows too few beats to align."""
    first, second = store.signals(np.array([pair.first, pair.second]))
    if aligned and min(len(find_r_peaks(parent, store.spec.sampling_rate)) for parent in (first, second)) < MIN_BEATS:
        return None
    return interpolate(tokenizer, first, second, pair.weight, aligned)


def shared_statements(first: dict[str, float], second: dict[str, float]) -> dict[str, float]:
    """The statements that both parents have, each at the lower likelihood (0, unknown, if either is)."""
    return {name: min(value, second[name]) for name, value in first.items() if name in second}
