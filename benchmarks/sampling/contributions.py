"""The contribution of each part of a generator: labels, sketch, transformer and detail model, each left out.

    python -m benchmarks.sampling.contributions --store runs/ptbxl/store --generator runs/ptbxl/prior \
        --segmenter runs/segmenter --train 1 2 3 4 5 6 7 --validation 8 --test 9 --out runs/contributions

Every way makes a record for each training record (`--times` of them), with its labels, age and sex, from the same
random numbers (a sketch of other labels is drawn for another record's, and its record counts as one of the labels
asked for). "Rendering with noise", without codes, is the control of the transformer. TRTS: a classifier of real
records reads them by the labels asked for. TSTR: one trained on them reads real test records, beside one trained on
the real training records (TRTR). Recall in physiological features is a share of that of real training records.
Adherence is the mean distance to the real rate, a share, over the rules whose statement 20 real and 20 synthetic
records have. Amplitudes are medians within 5 % of the real test records', of 12 leads.

Then the likelihood of real test records under their labels, age and sex, beside that under another test record's: by
part of the sketch, the median record, and the share of records that the right ones make likelier.
"""

import argparse
import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd
import torch

from benchmarks.measuring import Cell, Report, benchmark_parser, cell
from benchmarks.sampling.other_labels import Table, another_for_each, likelihood_rows
from vqecg.downstream.assessment.described_records import DescribedRecords, describe
from vqecg.downstream.assessment.designs import train_all
from vqecg.downstream.assessment.judges import scores_of
from vqecg.downstream.assessment.record_sets import RealData, RecordSet
from vqecg.downstream.assessment.results import TEST, TRAINING
from vqecg.downstream.assessment.settings import AssessmentSettings
from vqecg.downstream.assessment.tables import PHYSIOLOGY_SPACE, adherence_tables, distance_table, shape_tables
from vqecg.downstream.augmentation.generator_training import check_generator
from vqecg.evaluation.statistics.bootstrap import macro_average, replicate_metric
from vqecg.evaluation.statistics.intervals import percentile_interval
from vqecg.evaluation.statistics.resampling import BootstrapDraw, draw_bootstrap
from vqecg.evaluation.waves.segmenter import WaveSegmenter
from vqecg.prior.conditioning import Condition
from vqecg.prior.config import SamplingSettings
from vqecg.prior.detail.decoding import decoded
from vqecg.prior.generator import ECGGenerator
from vqecg.prior.rendered_sketches import generate_sketches
from vqecg.prior.requests import Requests
from vqecg.prior.sampling import write_codes
from vqecg.prior.sketch.sketch import Sketch
from vqecg.prior.sketched_records import sketches_of
from vqecg.records.files.kept_array import kept_array
from vqecg.records.folds import FoldSplit
from vqecg.records.store.record_store import RecordStore
from vqecg.records.store.selection import RecordSelection
from vqecg.records.store.subset import TrainedOn
from vqecg.scripts.cli.presets import preset
from vqecg.training.checkpoint import identifying

MAKING = 3  # raised when the same settings make other records
WHOLE = "whole"
FEWEST, NEAR = 20, 0.05  # records of a statement on either side; of a median amplitude
AMPLITUDES = {"sd": "SD", "peak_to_peak": "peak to peak", "slew": "slew"}  # of signal_fidelity -> in words
Make = Callable[["Asked"], np.ndarray]


@dataclass(frozen=True, eq=False)
class Asked:
    """The records that every way makes, and the random numbers behind them."""

    generator: ECGGenerator
    like: RecordSelection  # training records whose labels and attributes are asked for
    requests: Requests
    settings: SamplingSettings
    seed: int
    others: np.ndarray  # (records,) int64, another record for each

    @property
    def swapped(self) -> Requests:
        """The requests, each with the labels and attributes of another record."""
        attributes = {name: values[self.others] for name, values in self.requests.attributes.items()}
        return Requests(self.requests.labels[self.others], attributes)

    def sketch(self, requests: Requests, hidden: bool = False) -> Sketch:
        """Sketches drawn for requests, or with the whole condition hidden."""
        parts = list[Sketch]()
        of_traits = (self.settings.trait_temperature, self.settings.trait_guidance)
        mask = np.full(len(requests), hidden)
        condition = Condition.of(requests.labels, requests.attributes, mask, unknown_labels=True)
        for start in range(0, len(condition), self.settings.batch_size):
            batch = condition[start : start + self.settings.batch_size]
            parts.append(self.generator.prior.sketch.sample(batch, self.seed, start, *of_traits))
        return Sketch.joined(parts)

    def recordings(self, sketch: Sketch, detail: bool = True, correct: bool = True) -> np.ndarray:
        """Records whose codes are written for sketches, and decoded, with or without the detail and the correction."""
        codes = write_codes(self.generator.prior, sketch, self.seed, self.settings)
        prior, size = self.generator.prior, self.settings.batch_size
        models = (self.generator.tokenizer, prior.sketch, prior.detail if detail else None)
        parts = [
            decoded(codes[start : start + size], sketch[start : start + size], *models, self.generator.samples, correct)
            for start in range(0, len(codes), size)
        ]
        return torch.cat(parts).numpy()

    def rendered(self, noisy: bool) -> np.ndarray:
        """The sketches alone, or with noise as large as they say."""
        return generate_sketches(self.generator, self.requests, self.seed, self.settings, noisy=noisy).signal


def of_real_sketches(asked: Asked) -> np.ndarray:
    """Codes for the sketches of the very records whose labels are asked for."""
    parts = [sketches_of(asked.generator, chunk) for chunk in asked.like.chunks()]
    return asked.recordings(Sketch.joined(parts))


WAYS: Mapping[str, Make] = {
    WHOLE: lambda asked: asked.recordings(asked.sketch(asked.requests)),
    "rendering alone": lambda asked: asked.rendered(noisy=False),
    "rendering with noise": lambda asked: asked.rendered(noisy=True),
    "sketch of other labels": lambda asked: asked.recordings(asked.sketch(asked.swapped)),
    "sketch of no labels": lambda asked: asked.recordings(asked.sketch(asked.requests, hidden=True)),
    "without the detail model": lambda asked: asked.recordings(asked.sketch(asked.requests), detail=False),
    "without the correction": lambda asked: asked.recordings(asked.sketch(asked.requests), correct=False),
    "real sketches": of_real_sketches,
}


def main(arguments: list[str] | None = None) -> None:
    """Makes the records, measures and prints."""
    options = parse(arguments)
    report = Report(__spec__.name, __doc__, arguments, options, torch.get_num_threads())
    store, generator = RecordStore.open(options.store), ECGGenerator.from_pretrained(options.generator)
    folds = FoldSplit(tuple(options.train), tuple(options.validation), tuple(options.test))
    check_generator(generator, store, TrainedOn(store.fingerprint, folds), allow_silent=True)
    real = RealData(store, folds.indices(store.table), store.task(options.task))
    settings = AssessmentSettings(families=(options.family,), seeds=tuple(options.seeds))
    if options.steps:
        settings = replace(settings, training=settings.training.of_steps(options.steps))
    sets = made(generator, real, options)
    training = train_all([real.training, *sets], real, settings, options.out / "runs", ())
    segmenter = None if options.segmenter is None else WaveSegmenter.from_pretrained(options.segmenter)
    reader = training[TRAINING][options.family][0]
    described = {
        one.name: describe(one, reader, store.spec.sampling_rate, segmenter)
        for one in (real.test, real.training, *sets)
    }
    judges = {name: of_family[options.family] for name, of_family in training.items()}
    draw = draw_bootstrap(real.test.patient_ids, len(settings.seeds), settings.replicates, settings.seed)
    tstr = {name: macro_of(real.test, scores_of(judge, real.test.signals), draw) for name, judge in judges.items()}
    report.table("utility, macro AUROC", *utility_rows(tstr, sets, judges[TRAINING], settings.confidence), "utility")
    report.table("fidelity", *fidelity_rows(described, sets, settings), "fidelity")
    rules = adherence_tables([described[TEST], described[TRAINING]], [described[one.name] for one in sets])
    report.table("adherence, shares of records that show the sign", *adherence_rows(rules, sets), "adherence")
    report.table("likelihood of right over other labels, nats", *likelihood_rows(generator, real.test.records), "nats")
    report.write({"records of each way": len(sets[0]), "test records": len(real.test)})


def parse(arguments: list[str] | None) -> argparse.Namespace:
    """The command line."""
    parser = benchmark_parser(__doc__)
    parser.add_argument("--store", type=Path, required=True, help="folder that `vqecg prepare` wrote")
    parser.add_argument("--generator", type=Path, required=True, help="folder that `vqecg train-prior` wrote")
    parser.add_argument("--segmenter", type=Path, help="folder of `vqecg train-segmenter`, for intervals and leads")
    parser.add_argument("--out", type=Path, required=True, help="folder of records and classifiers; goes on there")
    for name, folds in (("train", [1, 2, 3, 4, 5, 6, 7]), ("validation", [8]), ("test", [9])):
        parser.add_argument(f"--{name}", type=int, nargs="+", default=folds, help=f"folds for {name}")
    parser.add_argument("--task", default="superdiagnostic", help="labels of the classifiers")
    parser.add_argument("--family", default="resnet", help="classifier that reads and is trained")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2], help="of the classifiers")
    parser.add_argument("--ways", nargs="+", default=list(WAYS), choices=list(WAYS), help="beside the whole")
    parser.add_argument("--preset", default="small", help="whose settings of sampling are used")
    parser.add_argument("--times", type=int, default=1, help="records of each way for each training record")
    parser.add_argument("--steps", type=int, default=0, help="of a classifier; 0 = its recipe's")
    return parser.parse_args(arguments)


def made(generator: ECGGenerator, real: RealData, options: argparse.Namespace) -> list[RecordSet]:
    """The records of every way, from files in the folder where they are there already."""
    like = replace(real.training.records, rows=np.tile(real.training.records.rows, options.times))
    requests = Requests.like(like.labels(generator.task), like.table, generator.attributes)
    others = np.tile(another_for_each(len(real.training)), options.times)
    asked = Asked(generator, like, requests, preset(options.preset).sampling, 0, others)
    about = json.dumps([MAKING, generator.fingerprint, real.store.fingerprint, identifying(asked.settings)])
    digest = hashlib.blake2b(about.encode() + like.rows.tobytes(), digest_size=8)  # of all that the records depend on
    sets = []
    for name in dict.fromkeys([WHOLE, *options.ways]):
        path = options.out / "records" / f"{name.replace(' ', '-')}-{digest.hexdigest()}.npy"
        shape = (len(like), len(generator.tokenizer.config.leads), generator.samples)
        signals = np.asarray(kept_array(path, shape, "<f4", lambda way=WAYS[name]: way(asked)))
        sets.append(replace(real.training, name=name, records=like, replaced=signals))
    return sets


def macro_of(records: RecordSet, scores: np.ndarray, draw: BootstrapDraw) -> np.ndarray:
    """(1 + replicates,): the macro AUROC of scores (seeds, records, classes) on every draw; 0 is the sample itself."""
    values = replicate_metric("auroc", np.asarray(records.labels, np.float64), scores, draw).values
    judged = np.flatnonzero(~np.isnan(values[0]).any(axis=0))
    return macro_average(values[:, :, judged], draw)


def interval_of(values: np.ndarray, confidence: float, signed: bool = False) -> Cell:
    """A value with its interval, from a sample and its replicates."""
    low, high = percentile_interval(values[1:], confidence)
    return cell(float(values[0]), 3, "", low, high, signed)


def utility_rows(
    tstr: Mapping[str, np.ndarray], sets: Sequence[RecordSet], readers: Sequence[torch.nn.Module], confidence: float
) -> Table:
    """TRTS and TSTR of each way, and TSTR beside that of the whole and of real training records."""
    header = ("", "TSTR", "TSTR minus the whole's", "TSTR / TRTR", "TRTS")
    rows: list[Sequence[Cell]] = [("real training records", interval_of(tstr[TRAINING], confidence), "-", "-", "-")]
    for one in sets:
        draw = draw_bootstrap([""] * len(one), len(readers), 1, 0)
        trts = macro_of(one, scores_of(readers, one.signals), draw)[0]
        less = interval_of(tstr[one.name] - tstr[WHOLE], confidence, signed=True) if one.name != WHOLE else "-"
        ratio = interval_of(tstr[one.name] / tstr[TRAINING], confidence)
        rows.append((one.name, interval_of(tstr[one.name], confidence), less, ratio, cell(float(trts), 3)))
    return header, rows


def fidelity_rows(
    described: Mapping[str, DescribedRecords], sets: Sequence[RecordSet], settings: AssessmentSettings
) -> Table:
    """Recall and precision in physiological features, and the leads whose amplitudes are near."""
    others = [described[one.name] for one in sets]
    distances = distance_table(described[TEST], described[TRAINING], others, settings.neighbours, settings.seed)
    near = (distances["space"] == PHYSIOLOGY_SPACE) & (distances["against"] == "test records")
    of_set = distances[near].set_index("compared")
    amplitudes, _ = shape_tables(described[TEST], described[TRAINING], others)
    shares_of = ("recall, of the real one", "precision, of the real one")
    header = ("", *shares_of, *(f"{words}, leads" for words in AMPLITUDES.values()))
    rows: list[Sequence[Cell]] = []
    for one in sets:
        shares = [of_set.loc[one.name, name] / of_set.loc[TRAINING, name] for name in ("recall", "precision")]
        of_way = amplitudes[amplitudes["compared"] == one.name]
        leads = [
            float((of_way.loc[of_way["measure"] == name, "ratio"] - 1).abs().le(NEAR).sum()) for name in AMPLITUDES
        ]
        rows.append((one.name, *(cell(float(part), 2) for part in shares), *(cell(count, 0) for count in leads)))
    return header, rows


def adherence_rows(rules: pd.DataFrame, sets: Sequence[RecordSet]) -> Table:
    """The rate of every rule that enough records can show, real and of each way, and the mean distance last."""
    enough = rules[(rules["real_n"] >= FEWEST) & (rules["synthetic_n"] >= FEWEST)]
    names = [one.name for one in sets]
    rates = enough.pivot(index="rule", columns="compared", values="synthetic_rate").reindex(columns=names)
    real = enough.drop_duplicates("rule").set_index("rule").reindex(rates.index)
    rows: list[Sequence[Cell]] = [
        (
            str(rule),
            cell(real.loc[rule, "real_rate"], 2),
            cell(real.loc[rule, "real_others_rate"], 2),
            *(cell(rates.loc[rule, name], 2) for name in names),
        )
        for rule in rates.index
    ]
    apart = rates[names].sub(real["real_rate"], axis=0).abs().mean()
    rows.append(("mean distance to the real rate", "-", "-", *(cell(float(apart[name]), 3) for name in names)))
    return ("", "real records with it", "real records without it", *names), rows


if __name__ == "__main__":
    main()
