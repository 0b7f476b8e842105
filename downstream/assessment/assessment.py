"""Everything that is measured of a synthetic set against real records, joined: utility, distance, physiology, privacy.

The real reference is the held-out test part. Real against real stands beside every distance, and with a generator the
same measures of reconstructions stand beside those of its records: what its codes carry without the detail model.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from vqecg.downstream.assessment.described_records import describe
from vqecg.downstream.assessment.designs import train_all, utility_designs
from vqecg.downstream.assessment.record_sets import RealData, RecordSet, reconstruct_real
from vqecg.downstream.assessment.results import SYNTHETIC, TEST, TRAINING, Assessment
from vqecg.downstream.assessment.settings import AssessmentSettings
from vqecg.downstream.assessment.tables import adherence_tables, distance_table, physiology_table, shape_tables
from vqecg.downstream.assessment.utility import POLICY, measure_utility
from vqecg.evaluation.privacy.memorisation import memorisation
from vqecg.records.files.progress import Progress
from vqecg.records.store.record_store import RecordStore
from vqecg.records.store.selection import RecordSelection

if TYPE_CHECKING:
    from vqecg.evaluation.waves.segmenter import WaveSegmenter
    from vqecg.prior.generator import ECGGenerator


def assess(
    real: RealData,
    synthetic_store: RecordStore,
    settings: AssessmentSettings,
    folder: Path,
    segmenter: WaveSegmenter | None = None,
    generator: ECGGenerator | None = None,
    earlier: Sequence[Path] = (),
    code_digests: Sequence[str] | None = None,
) -> Assessment:
    """Trains the classifiers that `folder` (or a folder of `earlier`) does not hold, and measures everything.

    The synthetic records are trained on and measured; they never enter validation or test, and nothing is chosen by
    them. Without a generator there is no ceiling and no membership inference; `code_digests` are the synthetic records'
    codes_sha256 of the manifest. Raises ValueError for parts too small to measure.
    """
    every = np.arange(len(synthetic_store))
    synthetic = RecordSet(SYNTHETIC, RecordSelection(synthetic_store, every), real.task)
    training, test = real.training, real.test
    ceiling = None if generator is None else reconstruct_real(generator, real, folder)
    sources = (training, synthetic, *([ceiling.training] if ceiling else []))
    trained = train_all(sources, real, settings, folder / "runs", earlier)
    designs = utility_designs(training, test, synthetic, ceiling, trained)
    utility = measure_utility(designs, real.task.class_names, settings)

    reader = trained[TRAINING][settings.families[0]][0]
    rate = real.store.spec.sampling_rate
    sets = Progress((test, *sources), description="measuring", unit="set")
    described = {records.name: describe(records, reader, rate, segmenter) for records in sets}
    compared = [described[source.name] for source in sources[1:]]  # all but the training records
    memory = memorisation(
        training.records,
        test.records,
        synthetic.records,
        real.task,
        settings,
        generator=generator,
        code_digests=code_digests,
    )
    amplitudes, shapes = shape_tables(described[TEST], described[TRAINING], compared)
    return Assessment(
        about=description(real, synthetic, settings, segmenter is not None, generator),
        utility=utility.scores,
        ratios=utility.ratios,
        distances=distance_table(described[TEST], described[TRAINING], compared, settings.neighbours, settings.seed),
        physiology=physiology_table(described[TEST], compared, real.task.class_names, settings.seed),
        amplitudes=amplitudes,
        shapes=shapes,
        adherence=adherence_tables([described[TEST], described[TRAINING]], compared),
        memorisation=memory.to_dict(),
    )


def description(
    real: RealData, synthetic: RecordSet, settings: AssessmentSettings, segmented: bool, generator: ECGGenerator | None
) -> dict[str, Any]:
    """The records, settings and classifiers behind the figures, as plain values."""
    family, seed = settings.families[0], settings.seeds[0]
    return {
        "real": real.store.description,
        "task": real.task.name,
        "class_names": list(real.task.class_names),
        "training_records": len(real.rows.train),
        "test_records": len(real.rows.test),
        "synthetic_records": len(synthetic),
        "settings": asdict(settings),
        "policy": POLICY,
        "features": f"{family} of seed {seed}, trained on the real training records",
        "intervals_from": "a trained segmenter" if segmented else "R peaks alone",
        "ceiling_levels": None if generator is None else generator.prior.config.levels,
    }
