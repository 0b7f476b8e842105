"""Classic augmentation of ECG signals, anew each time a record is seen: wander, noise, masks, scaling, a turned heart.

Leads are never turned upside down and time is never reversed: polarity and order are diagnosis. Each kind is done to a
share of the records of a batch, drawn for each record by itself.
"""

from dataclasses import dataclass, field
from typing import overload

import numpy as np
import torch

from vqecg.records.bounds import Checked, Degrees, Positive, Share, Spread, Weight
from vqecg.records.leads import INDEPENDENT_LEADS, LIMB_COMBINATIONS
from vqecg.records.simulation.heart import DOWER
from vqecg.training.checkpoint import OMITTED_WHILE_DEFAULT


@dataclass(frozen=True)
class ClassicAugmentation(Checked):
    """The greatest strength of each kind of augmentation; 0 turns a kind off."""

    share: Share = 0.5  # of the records that each kind is done to, 0 to 1
    wander: Weight = 0.1  # mV, greatest amplitude of a baseline wander, in each lead
    wander_lowest: Positive = 0.05  # Hz, of the wander
    wander_highest: Positive = 0.5  # Hz, of the wander
    noise: Weight = 0.03  # mV, greatest standard deviation of white noise, in each lead
    mask_seconds: Weight = 1.0  # s, longest stretch that is set to 0 mV in all leads
    lead_share: Share = 0.2  # of the leads, each set to 0 mV with this probability, never all of them
    scaling: Spread = 0.1  # standard deviation of the logarithm of one factor for all leads
    # no-mask-limb-leads: lead_share is of the chest leads alone; mask_seconds stays in all leads
    mask_limb_leads: bool = field(default=True, metadata=OMITTED_WHILE_DEFAULT)
    # degrees that the heart is turned by at most, in the vectorcardiogram; 0 = not turned
    axis_rotation: Degrees = field(default=0.0, metadata=OMITTED_WHILE_DEFAULT)

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.wander_lowest > self.wander_highest:
            raise ValueError(
                f"wander_lowest is {self.wander_lowest} Hz and wander_highest {self.wander_highest} Hz; "
                "expected 0 < wander_lowest <= wander_highest"
            )

    @overload
    def __call__(self, signal: np.ndarray, sampling_rate: int, generator: np.random.Generator) -> np.ndarray: ...

    @overload
    def __call__(self, signal: torch.Tensor, sampling_rate: int, generator: np.random.Generator) -> torch.Tensor: ...

    def __call__(
        self, signal: np.ndarray | torch.Tensor, sampling_rate: int, generator: np.random.Generator
    ) -> np.ndarray | torch.Tensor:
        """Augments a batch (records, leads, samples), or one record (leads, samples), of float32 mV.

        An array gives an array, a tensor a tensor on its device; what is given stays as it is. The same state of
        `generator` gives the same bits. Raises ValueError for another shape or kind of numbers, and as `augment`.
        """
        if isinstance(signal, torch.Tensor):
            return torch.from_numpy(self(signal.detach().cpu().numpy(), sampling_rate, generator)).to(signal.device)
        if signal.ndim not in (2, 3) or signal.dtype != np.float32:
            raise ValueError(
                f"got {signal.dtype} of shape {signal.shape}; expected float32 mV, (records, leads, samples) or "
                "(leads, samples)"
            )
        batch = signal if signal.ndim == 3 else signal[None]
        return augment(batch, sampling_rate, self, generator).reshape(signal.shape)


IS_LIMB = np.array([lead in LIMB_COMBINATIONS for lead in INDEPENDENT_LEADS])


def augment(
    signal: np.ndarray, sampling_rate: int, settings: ClassicAugmentation, generator: np.random.Generator
) -> np.ndarray:
    """Augments (batch, leads, samples) float32 mV; the array given is left as it is.

    How many numbers are drawn depends on the shape alone, so that turning one kind off does not change the others.
    Raises ValueError for other leads than the eight independent ones, to turn the heart or to spare limb leads.
    """
    records = len(signal)
    if signal.shape[1] != len(INDEPENDENT_LEADS) and (settings.axis_rotation or not settings.mask_limb_leads):
        raise ValueError(
            f"got {signal.shape[1]} leads; expected {', '.join(INDEPENDENT_LEADS)} to turn the heart's axis, "
            "or to spare the limb leads: leave axis_rotation 0 and mask_limb_leads true"
        )
    chosen = generator.random((5, records, 1, 1)) < settings.share
    factor = np.where(chosen[0], factors(records, settings.scaling, generator), 1).astype(np.float32)
    scaled = signal * factor
    scaled += np.where(chosen[1], wander(signal.shape, sampling_rate, settings, generator), 0)
    spread = settings.noise * generator.random((records, 1, 1), dtype=np.float32)
    scaled += chosen[2] * spread * generator.standard_normal(signal.shape, dtype=np.float32)
    hidden = stretches(records, signal.shape[2], settings.mask_seconds * sampling_rate, generator) & chosen[3]
    masked = left_out(records, signal.shape[1], settings.lead_share, generator) & chosen[4]
    if not settings.mask_limb_leads:
        masked = masked & ~IS_LIMB[:, None]
    # drawn last: this kind came later, and the numbers of the others stay what they were
    turns = rotations(records, settings.axis_rotation, generator)
    chosen_to_turn = generator.random((records, 1, 1)) < settings.share
    if settings.axis_rotation:
        scaled += np.where(chosen_to_turn, factor * turned(signal, turns), 0)
    return np.where(hidden | masked, np.float32(0), scaled)


def factors(records: int, scaling: float, generator: np.random.Generator) -> np.ndarray:
    """(records, 1, 1) log-normal: always above 0, so that no lead is turned upside down."""
    return np.exp(scaling * generator.standard_normal((records, 1, 1)))


def wander(
    shape: tuple[int, ...], sampling_rate: int, settings: ClassicAugmentation, generator: np.random.Generator
) -> np.ndarray:
    """(records, leads, samples) float32 mV: a slow sine, one rate and phase per record, another size in each lead."""
    records, leads, samples = shape
    rate = generator.uniform(settings.wander_lowest, settings.wander_highest, (records, 1, 1))
    phase = generator.random((records, 1, 1))
    size = settings.wander * generator.uniform(-1, 1, (records, leads, 1)).astype(np.float32)
    return size * np.sin(2 * np.pi * (rate * np.arange(samples) / sampling_rate + phase)).astype(np.float32)


def stretches(records: int, samples: int, longest: float, generator: np.random.Generator) -> np.ndarray:
    """(records, 1, samples) bool: one stretch per record of up to `longest` samples, at most half of the record."""
    length = min(longest, samples / 2) * generator.random((records, 1, 1))
    start = (samples - length) * generator.random((records, 1, 1))
    places = np.arange(samples)
    return (places >= start) & (places < start + length)


def left_out(records: int, leads: int, lead_share: float, generator: np.random.Generator) -> np.ndarray:
    """(records, leads, 1) bool: each lead with probability `lead_share`, but one drawn lead always stays."""
    out = generator.random((records, leads, 1)) < lead_share
    out[np.arange(records), generator.integers(0, leads, records)] = False
    return out


def rotations(records: int, limit: float, generator: np.random.Generator) -> np.ndarray:
    """(records, 3, 3): rotations by 0 to `limit` degrees, evenly, about axes of any direction (Rodrigues' formula)."""
    axes = generator.standard_normal((records, 3))
    x, y, z = (axes / np.linalg.norm(axes, axis=1, keepdims=True)).T
    angle = np.radians(limit * generator.random((records, 1, 1)))
    none = np.zeros(records)
    cross = np.stack([none, -z, y, z, none, -x, -y, x, none], axis=1).reshape(records, 3, 3)
    return np.eye(3) + np.sin(angle) * cross + (1 - np.cos(angle)) * (cross @ cross)


def turned(signal: np.ndarray, rotation: np.ndarray) -> np.ndarray:
    """The change of (records, 8, samples) float32 mV that turns the hearts by `rotation` (records, 3, 3).

    The vectorcardiogram is that of the inverse Dower matrix (Edenbrandt and Pahlm 1988, J Electrocardiol 21:361); it is
    turned and seen by the leads again through Dower's matrix, as 3KG makes views for contrastive learning (Gopal et al.
    2021). What three dimensions do not hold of the leads stays as it is, since the change alone is added.
    """
    change = DOWER @ (rotation - np.eye(3)) @ np.linalg.pinv(DOWER)
    return change.astype(np.float32) @ signal
