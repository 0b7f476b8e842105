"""New records between two real ones of the same labels: latent interpolation with beats aligned first.

Liu et al. 2020 mix the embeddings of two ECGs as they are; unless their beats coincide, the mixture shows the beats of
both. Here the second parent's beats are moved onto the first's (beats/alignment.py) before encoding; the two embeddings
are mixed before quantization and quantized anew, so that what is decoded is made of codes. The choice of parents is
in pairing.py.
"""

from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from vqecg.prior.copies.gate import CopyGate
from vqecg.prior.copies.waveform_index import NearestNeighbours
from vqecg.prior.editing.pairing import Pair, Parents, parents_of, shared_statements
from vqecg.prior.editing.settings import EXACT, InterpolationSettings
from vqecg.prior.sampling import invert
from vqecg.prior.synthetic_records import SyntheticRecords
from vqecg.records.attributes import ATTRIBUTES
from vqecg.records.beats.alignment import MIN_BEATS, align_beats
from vqecg.records.beats.r_peaks import find_r_peaks
from vqecg.records.files.progress import Progress
from vqecg.records.labels import LabelTask
from vqecg.records.store.record_store import RecordStore
from vqecg.records.store.selection import RecordSelection
from vqecg.tokenizer.modeling import ECGTokenizer
from vqecg.tokenizer.quantizers.base import Quantizer


@dataclass(frozen=True, eq=False)
class Interpolations:
    """Interpolated records, with what a gate said of them."""

    records: SyntheticRecords
    nearest: NearestNeighbours | None  # rows of the gate's store (records,), distances (records,); None without a gate
    rejected: np.ndarray  # (records,) int64, mixtures that the gate rejected before


@torch.inference_mode()
def interpolate(
    tokenizer: ECGTokenizer,
    first: np.ndarray,
    second: np.ndarray,
    weight: float,
    aligned: bool = True,
    code_temperature: float = 0.0,
    generator: np.random.Generator | None = None,
) -> np.ndarray:
    """The record at `weight` (0 = first, 1 = second) between two: (8, samples) float32 mV, in the first's rhythm.

    Raises ValueError for a weight outside 0 to 1, a temperature above 0 without a generator, or when too few beats are
    found to align.
    """
    check_weight(weight)
    if code_temperature > 0 and generator is None:
        raise ValueError(f"code_temperature is {code_temperature}: codes are drawn; give a generator to draw with")
    if aligned:
        second = align_beats(first, second, tokenizer.config.sampling_rate).signal
    device = next(tokenizer.parameters()).device
    embedding = tokenizer.embed(torch.from_numpy(np.stack([first, second])).to(device))
    mixed = torch.lerp(embedding[:1], embedding[1:], weight)
    if code_temperature > 0 and generator is not None:
        codes = draw_codes(tokenizer.quantizer, mixed, code_temperature, generator)
    else:
        codes = tokenizer.quantizer.encode(mixed)
    return tokenizer.decode(codes, first.shape[1])[0].cpu().numpy()


def mix_signals(
    first: np.ndarray, second: np.ndarray, weight: float, sampling_rate: float, aligned: bool = True
) -> np.ndarray:
    """As `interpolate`, but in mV and without a tokenizer: the control that the codec must beat."""
    check_weight(weight)
    if aligned:
        second = align_beats(first, second, sampling_rate).signal
    return ((1 - weight) * first + weight * second).astype(np.float32)


def check_weight(weight: float) -> None:
    """Raises ValueError for a weight outside 0 to 1."""
    if not 0 <= weight <= 1:
        raise ValueError(f"weight is {weight}; expected 0 (the first record) to 1 (the second)")


@torch.inference_mode()
def draw_codes(quantizer: Quantizer, embedding: Tensor, temperature: float, generator: np.random.Generator) -> Tensor:
    """Codes (batch, frames, levels) int64 near an embedding (batch, frames, dimension), level by level.

    A code is drawn with probability proportional to exp(-d / (temperature e)): d is its squared distance, e the mean
    squared distance of the nearest codes at that level. What a draw leaves is quantized by the levels after it.
    """
    residual, codes = embedding.float(), []
    for vectors in quantizer.code_vectors():
        distance = torch.cdist(residual, vectors[None]).square()
        usual = distance.min(-1).values.mean().clamp_min(1e-12)
        noise = torch.from_numpy(generator.random(residual.shape[:-1], dtype=np.float32)).to(residual.device)
        codes.append(invert((-distance / (temperature * usual)).softmax(-1), noise))
        residual = residual - vectors[codes[-1]]
    return torch.stack(codes, dim=-1)


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

    The parents have the labels asked for by the rule of `settings.pairing`, different patients, and no statement that
    is bound to its rhythm (beats/alignment.py). With a gate, a mixture that it takes for a copy (a parent is a training
    record too) is rejected, and another pair is drawn. Raises ValueError when there is no such pair for a row
    (`interpolable` tells beforehand for which records there is), when none of the pairs drawn passes the gate, or for a
    store at another sampling rate.
    """
    tokenizer.check_sampling_rate(store.spec.sampling_rate)
    paired = parents_of(tokenizer, store, parents, task, settings)
    mixtures: list[Mixture] = []
    for number in Progress(range(len(requested)), description="interpolating", unit="record", shown=progress):
        generator = np.random.default_rng([settings.seed, number])
        mixture, rejected = draw_mixture(tokenizer, paired, requested[number], settings, generator, gate)
        if mixture is None:
            asked = "+".join(task.names(requested[number])) or "(none)"
            because = f"; the gate rejected {rejected} mixtures as near copies" if rejected else ""
            raise ValueError(
                f"found no two records with exactly the labels {asked} to interpolate among "
                f"{len(paired.candidates(requested[number]))}: they need different patients, three beats and no rhythm "
                f"statement such as AFIB{because}; use samples of the prior instead"
            )
        mixtures.append(mixture)
    shape = (len(mixtures), len(tokenizer.config.leads), store.spec.samples)
    near = NearestNeighbours(
        np.array([mixture.nearest for mixture in mixtures], np.int64),
        np.array([mixture.distance for mixture in mixtures]),
    )
    first, second = (
        np.array([getattr(mixture.pair, name) for mixture in mixtures], np.int64) for name in ("first", "second")
    )
    statements = store.table["statements"]
    records = SyntheticRecords.derived(
        np.reshape([mixture.signal for mixture in mixtures], shape).astype(np.float32),
        RecordSelection(store, first),
        task,
        ATTRIBUTES.names(),
        second,
        np.array([mixture.pair.weight for mixture in mixtures]),
        [shared_statements(statements.iloc[one], statements.iloc[two]) for one, two in zip(first, second, strict=True)],
    )
    return Interpolations(
        replace(records, labels=requested),
        None if gate is None else near,
        np.array([mixture.rejected for mixture in mixtures], np.int64),
    )


@dataclass(frozen=True, eq=False)
class Mixture:
    """One interpolated record."""

    pair: Pair
    signal: np.ndarray  # (8, samples) float32 mV
    nearest: int = -1  # row of the nearest training record, -1 without a gate
    distance: float = np.nan  # waveform distance to it
    rejected: int = 0  # mixtures rejected before


def draw_mixture(
    tokenizer: ECGTokenizer,
    parents: Parents,
    asked: np.ndarray,
    settings: InterpolationSettings,
    generator: np.random.Generator,
    gate: CopyGate | None,
) -> tuple[Mixture | None, int]:
    """A record of the labels `asked` between two parents, or None, and how many mixtures the gate threw away."""
    rejected = 0
    attempts = settings.attempts if gate is None else max(settings.attempts, gate.settings.attempts)
    for _ in range(attempts if len(parents.candidates(asked)) else 0):
        pair = draw_pair(parents, asked, settings, generator)
        signal = None if pair is None else mix(tokenizer, parents.store, pair, settings, generator)
        if pair is None or signal is None:
            continue
        if gate is None:
            return Mixture(pair, signal), 0
        near = gate.nearest(signal[None])
        if near.distances[0] >= gate.threshold:
            return Mixture(pair, signal, int(near.rows[0]), float(near.distances[0]), rejected), rejected
        rejected += 1
    return None, rejected


def interpolable(
    store: RecordStore, labels: np.ndarray, rows: np.ndarray, task: LabelTask | None = None, pairing: str = EXACT
) -> np.ndarray:
    """True for chosen rows that have a partner among them: (rows,) bool; `labels` (records, classes) are the store's.

    A pairing other than "exact" needs the task of the labels.
    """
    return Parents(store, labels, np.asarray(rows, np.int64), pairing, task).able()


def draw_pair(
    parents: Parents,
    asked: np.ndarray,
    settings: InterpolationSettings,
    generator: np.random.Generator,
    first: int | None = None,
) -> Pair | None:
    """A pair for the labels `asked` (classes,), or None when its first parent has no partner.

    The first parent is random, unless given. Raises ValueError when there is none.
    """
    if first is None:
        candidates = parents.candidates(asked)
        if not len(candidates):
            raise ValueError("no parent has the labels asked for; `interpolable` tells for which records there is one")
        first = int(generator.choice(candidates))
    weight = float(generator.beta(settings.weight_concentration, settings.weight_concentration))
    second = parents.partner(first, asked, settings.neighbours, generator)
    return None if second is None else Pair(first, second, weight)


def mix(
    tokenizer: ECGTokenizer,
    store: RecordStore,
    pair: Pair,
    settings: InterpolationSettings,
    generator: np.random.Generator | None = None,
    in_signal_space: bool = False,
) -> np.ndarray | None:
    """The record between the two of a pair: (8, samples) mV, or None when a parent shows too few beats to align."""
    first, second = store.signals(np.array([pair.first, pair.second]))
    rate, aligned = store.spec.sampling_rate, settings.aligned
    if aligned and min(len(find_r_peaks(parent, rate)) for parent in (first, second)) < MIN_BEATS:
        return None
    if in_signal_space:
        return mix_signals(first, second, pair.weight, rate, aligned)
    return interpolate(tokenizer, first, second, pair.weight, aligned, settings.code_temperature, generator)
