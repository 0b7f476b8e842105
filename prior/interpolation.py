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


@dataclass(frozen=True)
class InterpolationSettings:
    """How pairs of parents are mixed."""

    weight_concentration: float = 2.0  # a of the symmetric Beta(a, a) that the second parent's weight is drawn from
    aligned: bool = True  # False: the naive mixture, which makes ghost beats (for comparison)
    attempts: int = 20  # pairs drawn for a record before it is given up
    seed: int = 0  # of pairs and weights


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
    parents: np.ndarray,
    task: LabelTask,
    requested: np.ndarray,
    settings: InterpolationSettings,
    progress: bool = True,
) -> Interpolations:
    """For each row of `requested` labels (records, classes), a record between two of the store's rows `parents`.

    Both parents have exactly the labels asked for and different patients, so that the labels of the mixture are no
    guess, and no statement that is bound to its rhythm (records/beats.py). Raises ValueError when there is no
    such pair for a row (`interpolable` tells beforehand for which records there is), or for a store at another
    sampling rate.
    """
    tokenizer.check_sampling_rate(store.spec.sampling_rate)
    labels = store.labels(task)
    parents = parents[interpolable(store, labels, parents)]
    signals: list[np.ndarray] = []
    pairs: list[Pair] = []
    for number in tqdm(range(len(requested)), desc="interpolating", unit="record", disable=not progress, delay=2):
        generator = np.random.default_rng([settings.seed, number])
        own = parents[(labels[parents] == requested[number]).all(1)]
        found = (draw_pair(store, own, settings, generator) for _ in range(settings.attempts if len(own) else 0))
        mixed = ((pair, mix(tokenizer, store, pair, settings.aligned)) for pair in found if pair is not None)
        pair, signal = next(((pair, signal) for pair, signal in mixed if signal is not None), (None, None))
        if pair is None or signal is None:
            asked = "+".join(task.names(requested[number])) or "(none)"
            raise ValueError(
                f"found no two records with exactly the labels {asked} to interpolate among {len(own)}: they need "
                "different patients, three beats and no rhythm statement such as AFIB; use samples of the prior instead"
            )
        signals.append(signal)
        pairs.append(pair)
    shape = (len(signals), len(tokenizer.config.leads), store.spec.samples)
    return Interpolations(np.reshape(signals, shape).astype(np.float32), requested, tuple(pairs))


def interpolable(store: RecordStore, labels: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """Which of the chosen rows have a partner among them: bool (rows,). `labels` (records, classes) are the store's."""
    patients, statements = store.table["patient_id"].to_numpy(), store.table["statements"].to_numpy()
    groups: dict[bytes, list[int]] = {}
    for row in rows:
        if may_interpolate(statements[row], statements[row]) is None:
            groups.setdefault(labels[row].tobytes(), []).append(row)

    def has_partner(row: int) -> bool:
        return any(
            patients[other] != patients[row] and may_interpolate(statements[row], statements[other]) is None
            for other in groups.get(labels[row].tobytes(), [])
        )

    able = [may_interpolate(statements[row], statements[row]) is None and has_partner(row) for row in rows]
    return np.array(able, dtype=bool)


def draw_pair(
    store: RecordStore, parents: np.ndarray, settings: InterpolationSettings, generator: np.random.Generator
) -> Pair | None:
    """A random pair among the rows `parents`, all of the same labels, or None when the first drawn has no partner."""
    patients, statements = store.table["patient_id"].to_numpy(), store.table["statements"].to_numpy()
    first = int(generator.choice(parents))
    weight = float(generator.beta(settings.weight_concentration, settings.weight_concentration))
    for second in generator.permutation(parents[patients[parents] != patients[first]]):
        if may_interpolate(statements[first], statements[second]) is None:
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
