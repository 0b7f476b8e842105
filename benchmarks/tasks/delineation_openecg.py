"""openecg's side of delineation.py: runs in openecg's own environment, where vqecg is not installed.

    python delineation_openecg.py detector|refined|codec SIGNALS.npz RESULT.npz

`detector` is the documented `Inference().predict` (network v56c, 10 s of one lead at 250 Hz, frames of 20 ms).
`refined` is the same network as openecg's authors measure it: its frames smoothed, its boundaries moved by what its
second output says. `codec` is the documented `openecg.encode(..., model="default")` (codec_v6, 10 s at 500 Hz, every
sample a class). No way gives peaks, so these are NaN.
"""

import sys
from collections.abc import Callable

import numpy as np
import openecg
import torch
from openecg.deploy import PATCH_SIZE, TARGET_FS, WINDOW_SAMPLES, Inference
from openecg.stage2.infer import apply_reg_to_boundaries, extract_boundaries, post_process_frames

WAVES = {1: "P", 2: "QRS", 3: "T"}  # numbers of its classes
Wave = tuple[str, int, int]  # name, first and last sample


def main(way: str, signals: str, result: str) -> None:
    """Delineates every lead of every record, and writes the waves."""
    torch.set_num_threads(1)
    with np.load(signals, allow_pickle=False) as archive:
        records, rate = archive["signals"], int(archive["rate"])
    if records.shape[2] != 10 * rate:
        raise ValueError(f"records of {records.shape[2] / rate:g} s; expected 10 s, what openecg takes at once")
    delineate = WAYS[way]()
    detected = [
        (record, lead, *wave)
        for record, leads in enumerate(records)
        for lead, signal in enumerate(leads)
        for wave in delineate(signal.astype(np.float32))
    ]
    points = np.array([(first / rate, np.nan, last / rate) for _, _, _, first, last in detected]).reshape(-1, 3)
    places = np.array([row[:2] for row in detected], np.int64).reshape(-1, 2)
    np.savez(result, places=places, waves=np.array([row[2] for row in detected], "U3"), points=points)


def detector() -> Callable[[np.ndarray], list[Wave]]:
    """The documented way."""
    model = Inference()
    return lambda signal: [(wave.name, wave.start, wave.end) for wave in model.predict(signal)[0]]


def refined() -> Callable[[np.ndarray], list[Wave]]:
    """The authors' way of measuring; the output that moves boundaries is read where their evaluation reads it."""
    model = Inference()

    def delineate(signal: np.ndarray) -> list[Wave]:
        frames = post_process_frames(model.forward_window(signal).argmax(axis=1))
        moves = model._interp.get_tensor(model._reg_detail["index"])[0]
        bounds = apply_reg_to_boundaries(
            extract_boundaries(frames, fs=TARGET_FS), moves, samples_per_frame=PATCH_SIZE, max_window=WINDOW_SAMPLES
        )
        return [
            (wave, first, last)
            for wave in WAVES.values()
            for first, last in zip(bounds[f"{wave.lower()}_on"], bounds[f"{wave.lower()}_off"], strict=True)
        ]

    return delineate


def codec() -> Callable[[np.ndarray], list[Wave]]:
    """The documented way to the layered codec."""

    def delineate(signal: np.ndarray) -> list[Wave]:
        events = openecg.encode(signal, fs=500, model="default").events("frame", drop_class=0)
        return [(WAVES[number], first, end - 1) for first, end, number in events]

    return delineate


WAYS = {"detector": detector, "refined": refined, "codec": codec}


if __name__ == "__main__":
    main(*sys.argv[1:])
