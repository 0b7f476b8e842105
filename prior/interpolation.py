"""New records between two real ones of the same labels: latent interpolation with beats aligned first.

Liu et al. 2020 mix the embeddings of two ECGs as they are; unless their beats coincide, the mixture shows the beats of
both. Here the second parent's beats are moved onto the first's (records/beats.py) before encoding; the two embeddings
are mixed before quantization and quantized anew, so that what is decoded is made of codes.
"""

from dataclasses import dataclass

import numpy as np
import torch
from tqdm.auto import tqdm

from vqecg.prior.copy_gate import CopyGate
from vqecg.prior.nearest import NearestNeighbours
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
    attempts: int = 20  # pairs drawn for a record before it is given up; with a gate, the gate's own number if greater
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
    nearest: NearestNeighbours | None  # rows of the gate's store (records,), distances (records,); None without a gate
    rejected: np.ndarray  # (records,) int64, mixtures that the gate threw away before


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
    gate: CopyGate | None = None,
) -> Interpolations:
    """For each row of `requested` labels (records, classes), a record between two of the store's rows `parents`.

    Both parents have exactly the labels asked for and different patients, so that the labels of the mixture are no
    guess, and no statement that is bound to its rhythm (records/beats.py). With a gate, a mixture that it takes for a
    copy (a parent is a training record too) is thrown away, and another pair is drawn. Raises ValueError when
    there is no such pair for a row (`interpolable` tells beforehand for which records there is), when none of the pairs
    drawn passes the gate, or for a store at another sampling rate.
    """
    tokenizer.check_sampling_rate(store.spec.sampling_rate)
    labels = store.labels(task)
    parents = parents[interpolable(store, labels, parents)]
    found: list[Mixture] = []
    for number in tqdm(range(len(requested)), desc="interpolating", unit="record", disable=not progress, delay=2):
        generator = np.random.default_rng([settings.seed, number])
        own = parents[(labels[parents] == requested[number]).all(1)]
        mixture, rejected = draw_mixture(tokenizer, store, own, settings, generator, gate)
        if mixture is None:
            asked = "+".join(task.names(requested[number])) or "(none)"
            because = f"; the gate rejected {rejected} mixtures as near copies" if rejected else ""
            raise ValueError(
                f"found no two records with exactly the labels {asked} to interpolate among {len(own)}: they need "
                f"different patients, three beats and no rhythm statement such as AFIB{because}; use samples of the "
                "prior instead"
            )
        found.append(mixture)
    shape = (len(found), len(tokenizer.config.leads), store.spec.samples)
    near = NearestNeighbours(
        np.array([mixture.nearest for mixture in found], np.int64), np.array([mixture.distance for mixture in found])
    )
    return Interpolations(
        np.reshape([mixture.signal for mixture in found], shape).astype(np.float32),
        requested,
        tuple(mixture.pair for mixture in found),
        None if gate is None else near,
        np.array([mixture.rejected for mixture in found], np.int64),
    )


@dataclass(frozen=True, eq=False)
class Mixture:
    """One interpolated record."""

    pair: Pair
    signal: np.ndarray  # (8, samples) float32 mV
    nearest: int = -1  # row of the nearest training record, -1 without a gate
    distance: float = np.nan  # waveform distance to it
    rejected: int = 0  # mixtures thrown away before


def draw_mixture(
    tokenizer: ECGTokenizer,
    store: RecordStore,
    parents: np.ndarray,
    settings: InterpolationSettings,
    generator: np.random.Generator,
    gate: CopyGate | None,
) -> tuple[Mixture | None, int]:
    """A record between two random ones of the rows `parents`, or None, and how many mixtures the gate threw away."""
    rejected = 0
    attempts = settings.attempts if gate is None else max(settings.attempts, gate.settings.attempts)
    for _ in range(attempts if len(parents) else 0):
        pair = draw_pair(store, parents, settings, generator)
        signal = None if pair is None else mix(tokenizer, store, pair, settings.aligned)
        if pair is None or signal is None:
            continue
        if gate is None:
            return Mixture(pair, signal), 0
        near = gate.nearest(signal[None])
        if near.distances[0] >= gate.threshold:
            return Mixture(pair, signal, int(near.rows[0]), float(near.distances[0]), rejected), rejected
        rejected += 1
    return None, rejected


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
