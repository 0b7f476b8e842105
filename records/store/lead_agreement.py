"""The limb leads as evidence: any two of the six determine the others, so that a third shows what went wrong.

Only a contradiction is evidence. Electrodes exchanged at the patient, a record upside down, and one factor for all
leads keep Einthoven's law; where there are only I, II and III, so do I and III exchanged.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import permutations

import numpy as np

from vqecg.records.leads import LIMB_COMBINATIONS, canonical_rows

TOLERANCE = 0.05  # relative RMS; 0.005 is the largest of 3,917 real records, 0.12 the least of two leads swapped there
WINDOW = 1.0  # s; the median over windows decides, so that an electrode that moved for some seconds does no harm
SMALLEST_STEP = 1e-6  # mV, between two samples of a lead; below it is the rounding of float32
SAME = 0.99  # correlation from which a lead is said to be another one, or itself with a delay
LONGEST_DELAY = 0.2  # s, of one lead behind the others


@dataclass(frozen=True, eq=False)
class LimbLeads:
    """The limb leads of a recording in which there is a signal, and their products in every window."""

    names: tuple[str, ...]
    samples: np.ndarray  # (leads, samples) float64 mV
    products: np.ndarray  # (windows, leads, leads) mV^2, means over a window without its offsets and rounding

    @classmethod
    def of(cls, signal: np.ndarray, leads: Sequence[str], sampling_rate: float) -> "LimbLeads | None":
        """Those of a recording (leads, samples) mV; None where there are fewer than three in any second."""
        rows = canonical_rows(leads)
        known = {name: signal[rows[name]].astype(np.float64) for name in LIMB_COMBINATIONS if name in rows}
        known = {name: samples for name, samples in known.items() if np.isfinite(samples).mean() > 0.5}
        known = {name: samples for name, samples in known.items() if np.nanmax(samples) > np.nanmin(samples)}
        length = min(max(1, round(WINDOW * sampling_rate)), signal.shape[1])
        if len(known) < 3:
            return None
        samples = np.stack(list(known.values()))
        whole = samples[:, : samples.shape[1] // length * length]
        windows = whole.reshape(len(known), -1, length).transpose(1, 0, 2)
        windows = windows[(np.isfinite(windows).all(2) & (np.ptp(windows, axis=2) > 0)).all(1)]
        if not len(windows):
            return None
        centred = windows - windows.mean(2, keepdims=True)
        # twice a uniform error's variance: that of a signal of few steps is not uniform
        rounding = np.diag([_step(lead) ** 2 / 6 for lead in samples])
        return cls(tuple(known), samples, centred @ centred.transpose(0, 2, 1) / length - rounding)

    @property
    def size(self) -> float:
        """RMS of the limb leads in mV."""
        return float(np.sqrt(max(0.0, np.median(np.trace(self.products, axis1=1, axis2=2)) / len(self.names))))

    def without(self, name: str) -> "LimbLeads":
        """The others than `name`."""
        rest = [place for place, lead in enumerate(self.names) if lead != name]
        return LimbLeads(
            tuple(self.names[place] for place in rest), self.samples[rest], self.products[:, rest][:, :, rest]
        )

    def sizes(self, sums: np.ndarray) -> np.ndarray:
        """RMS of sums of the leads, relative to the leads' size: (sums, leads) weights -> (sums,)."""
        squares = np.median(np.einsum("ri,wij,rj->wr", sums, self.products, sums), axis=0)
        return np.sqrt(np.maximum(squares, 0)) / max(self.size, np.finfo(float).tiny)

    def agree(self) -> bool:
        """True where every lead is what two of them say."""
        return bool((self.sizes(relations(self.names)) <= TOLERANCE).all())


def base_leads(names: Sequence[str]) -> tuple[str, str]:
    """The two leads by which the others are expressed: I and II where they are there."""
    ordered = [name for name in LIMB_COMBINATIONS if name in names]
    return ordered[0], ordered[1]


def weights(name: str, base: tuple[str, str]) -> np.ndarray:
    """The lead `name` as a sum of two others: (2,) weights."""
    return np.array(LIMB_COMBINATIONS[name]) @ np.linalg.inv([LIMB_COMBINATIONS[lead] for lead in base])


def relations(names: Sequence[str]) -> np.ndarray:
    """Sums of the leads that are zero by Einthoven's law, one for each but the two of the base: (relations, leads)."""
    base = base_leads(names)
    rows = np.zeros((len(names) - 2, len(names)))
    for row, name in zip(rows, [name for name in names if name not in base], strict=True):
        row[list(names).index(name)] = 1
        row[[list(names).index(lead) for lead in base]] = -weights(name, base)
    return rows


def disagreement(signal: np.ndarray, leads: Sequence[str], sampling_rate: float) -> str | None:
    """The contradiction among the limb leads of a recording, and its probable cause, in words; None where they agree.

    Args:
        signal: (leads, samples) mV.
        leads: the name of every row.
        sampling_rate: Hz.

    A lead is compared with what I and II say of it, or the first two limb leads that are there: RMS without the offset
    of each second, the median over seconds, rounding to the lead's own step taken off, relative to the RMS of the limb
    leads. More than TOLERANCE is a contradiction. With fewer than three limb leads nothing can contradict.
    """
    limbs = LimbLeads.of(signal, leads, sampling_rate)
    if limbs is None or limbs.agree():
        return None
    base = base_leads(limbs.names)
    named = [name for name in limbs.names if name not in base]
    sizes = limbs.sizes(relations(limbs.names))
    wrong = [
        f"{name} from {_sum_text(weights(name, base), base)} by {size:.0%}"
        for name, size in zip(named, sizes, strict=True)
        if size > TOLERANCE
    ]
    cause = probable_cause(limbs, signal, leads, sampling_rate)
    return (
        f"{', '.join(wrong)} of the limb leads' RMS of {limbs.size:.3g} mV, expected up to {TOLERANCE:.0%}: "
        f"{cause or 'no single fault explains it; check the order, the names and the scale of the leads'}"
    )


def probable_cause(limbs: LimbLeads, signal: np.ndarray, leads: Sequence[str], sampling_rate: float) -> str:
    """The faults that would explain a contradiction, in words; "" for none that is simple."""
    for causes in (
        sorted([*_signs(limbs), *_orders(limbs)], key=len),
        _scales(limbs),
        _strangers(limbs, signal, leads, sampling_rate),
        _all_scaled(limbs),
    ):
        if causes:
            return "it fits " + " or ".join(causes[:3])
    return ""


def _orders(limbs: LimbLeads) -> list[str]:
    """The orders of the leads, with the fewest of them moved, in which they would agree."""
    orders = np.array(list(permutations(range(len(limbs.names)))))[1:]
    moved = (orders != np.arange(len(limbs.names))).sum(1)
    products, rows = _quiet_products(limbs), relations(limbs.names)
    ordered = products[orders[:, :, None], orders[:, None, :]]
    squares = np.einsum("ri,pij,rj->pr", rows, ordered, rows).max(1)
    fitting = squares <= TOLERANCE**2 * np.trace(products) / len(limbs.names)
    if not fitting.any():
        return []
    fewest = fitting & (moved == moved[fitting].min())
    return [_order_text(limbs.names, order) for order in orders[fewest]]


def _order_text(names: Sequence[str], order: np.ndarray) -> str:
    """The leads that an order moves, in words."""
    pairs = [(name, names[place]) for name, place in zip(names, order, strict=True) if name != names[place]]
    if len(pairs) == 2:
        return f"{pairs[0][0]} and {pairs[1][0]} swapped"
    return "leads in another order (" + ", ".join(f"{name} in {other}" for name, other in pairs) + ")"


def _signs(limbs: LimbLeads) -> list[str]:
    """The leads that would agree upside down."""
    flips = np.ones((len(limbs.names),) * 2) - 2 * np.eye(len(limbs.names))
    rows = relations(limbs.names)
    return [
        f"{name} upside down"
        for name, flip in zip(limbs.names, flips, strict=True)
        if limbs.sizes(rows * flip).max() <= TOLERANCE
    ]


def _scales(limbs: LimbLeads) -> list[str]:
    """The leads that would agree at another gain, where the others tell it."""
    causes = []
    for place, name in enumerate(limbs.names):
        rest = limbs.without(name)
        if len(rest.names) < 3 or not rest.agree():
            continue
        expected = np.zeros(len(limbs.names))
        base = base_leads(rest.names)
        expected[[limbs.names.index(lead) for lead in base]] = weights(name, base)
        products = _quiet_products(limbs)
        gain = expected @ products[place] / max(expected @ products @ expected, np.finfo(float).tiny)
        expected = -gain * expected
        expected[place] = 1
        if gain > 0 and limbs.sizes(expected[None])[0] <= TOLERANCE:
            causes.append(f"{name} scaled on its own, by {gain:.3g}")
    return causes


def _strangers(limbs: LimbLeads, signal: np.ndarray, leads: Sequence[str], sampling_rate: float) -> list[str]:
    """The lead that is something else, where the others agree without it."""
    strangers = [name for name in limbs.names if len(limbs.names) > 3 and limbs.without(name).agree()]
    return [_stranger_text(name, limbs, signal, leads, sampling_rate) for name in strangers]


def _stranger_text(name: str, limbs: LimbLeads, signal: np.ndarray, leads: Sequence[str], sampling_rate: float) -> str:
    """The likely origin of the lead `name`, which the others contradict, in words."""
    rest, lead = limbs.without(name), limbs.samples[limbs.names.index(name)]
    base = base_leads(rest.names)
    expected = weights(name, base) @ np.stack([rest.samples[rest.names.index(other)] for other in base])
    chest = {other: signal[row] for other, row in canonical_rows(leads).items() if other not in LIMB_COMBINATIONS}
    for text, samples in ((f"{name} holding", lead), (f"{name} swapped with", expected)):
        alike = {other: _correlation(samples, known) for other, known in chest.items()}
        if alike and max(alike.values()) > SAME:
            return f"{text} {max(alike, key=lambda other: alike[other])}"
    most = round(LONGEST_DELAY * sampling_rate)
    delays = {delay: _correlation(np.roll(lead, -delay), expected) for delay in range(-most, most + 1) if delay}
    delay = max(delays, key=lambda samples: delays[samples])
    if delays[delay] > SAME:
        return f"{name} {abs(delay) / sampling_rate * 1000:.3g} ms {'late' if delay > 0 else 'early'}"
    return f"{name} holding something else, the other limb leads agree"


def _all_scaled(limbs: LimbLeads) -> list[str]:
    """The fault of leads that are combinations of two signals, as limb leads are, but not with Einthoven's weights."""
    products = _quiet_products(limbs)
    sizes = np.sqrt(np.maximum(np.diag(products), np.finfo(float).tiny))
    parts = np.linalg.eigvalsh(products / np.outer(sizes, sizes))[::-1]
    left = np.sqrt(max(0.0, parts[2:].sum()) / len(sizes))
    scaled = "each lead scaled on its own" if len(sizes) > 3 else "one of the leads, or each, scaled on its own"
    return [scaled] if left <= TOLERANCE else []


def _quiet_products(limbs: LimbLeads) -> np.ndarray:
    """The mean products of the quieter half of the windows: (leads, leads)."""
    sizes = np.trace(limbs.products, axis1=1, axis2=2)
    return limbs.products[np.argsort(sizes)[: (len(sizes) + 1) // 2]].mean(0)


def _correlation(one: np.ndarray, other: np.ndarray) -> float:
    """The correlation of two leads where both are known."""
    both = np.isfinite(one) & np.isfinite(other)
    one, other = one[both] - one[both].mean(), other[both] - other[both].mean()
    size = np.sqrt((one @ one) * (other @ other))
    return float(one @ other / size) if size > 0 else 0.0


def _step(lead: np.ndarray) -> float:
    """The least step between two samples of a lead, which is that of its converter, in mV."""
    steps = np.abs(np.diff(lead[np.isfinite(lead)]))
    steps = steps[steps > SMALLEST_STEP]
    return float(steps.min()) if len(steps) else 0.0


def _sum_text(numbers: np.ndarray, names: Sequence[str]) -> str:
    """A sum of leads, the positive ones first: "II - I", "I - II/2"."""
    terms = sorted(zip(numbers, names, strict=True), key=lambda term: -term[0])
    texts = []
    for number, name in terms:
        size = abs(float(number))
        text = name if np.isclose(size, 1) else f"{name}/2" if np.isclose(size, 0.5) else f"{size:.3g} {name}"
        texts.append(("-" if number < 0 else "", text))
    first, second = texts
    return f"{first[0]}{first[1]} {'-' if second[0] else '+'} {second[1]}"
