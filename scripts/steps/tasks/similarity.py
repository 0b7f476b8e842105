"""From the vectors of `vqecg embed` to groups of recordings, and to the nearest ones to one."""

import datetime
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from vqecg.downstream.tasks.embedding.embedding import STORE_KEY
from vqecg.downstream.tasks.similarity.agreement import Agreement, agreement, lifts
from vqecg.downstream.tasks.similarity.clustering import ClusteringSettings, Groups, group_records
from vqecg.downstream.tasks.similarity.neighbours import nearest_records
from vqecg.downstream.tasks.similarity.space import SpaceSettings, VectorSpace
from vqecg.records.bounds import Checked, Count
from vqecg.records.ecg_paper import figure_png, plot_ecg
from vqecg.records.files.atomic import atomic_folder, check_destination, write_text
from vqecg.records.files.checksums import SUMS_FILE, write_checksums
from vqecg.records.labels import OWN
from vqecg.records.store.record_store import RecordStore
from vqecg.reports.tasks.groups_page import GroupOnPage, groups_page
from vqecg.scripts.cli.outcome import Outcome

GROUPS, PAGE, NEAREST = "groups.csv", "groups.html", "nearest.csv"  # files
EVERY = "all"  # task of the labels that a group is described by


@dataclass(frozen=True, kw_only=True)
class SimilarityStep(Checked):
    """The recordings, their vectors, and the folder of what comes of them."""

    store: Path  # folder that `vqecg prepare` wrote
    vectors: Path  # file that `vqecg embed` wrote of the same store
    out: Path  # folder of the tables and pictures
    space: SpaceSettings = field(default_factory=SpaceSettings)
    overwrite: bool = False  # replace earlier output in --out


@dataclass(frozen=True, kw_only=True)
class ClusteringStep(SimilarityStep):
    """The groups."""

    clustering: ClusteringSettings = field(default_factory=ClusteringSettings)
    task: str = "superdiagnostic"  # classes that groups are compared with, own = the data's; they make no group


@dataclass(frozen=True, kw_only=True)
class SimilarStep(SimilarityStep):
    """The recording that others are compared with."""

    record: str  # its name in the store
    count: Count = 5  # recordings
    other_patients: bool = False  # leave out recordings of the same patient


def cluster(step: ClusteringStep) -> Outcome:
    """Writes a table of all records' groups, and a page. Returns what the groups are like.

    Raises ValueError for vectors of another store, and for a task without classes.
    """
    check_destination(step.out, holds(GROUPS), step.overwrite)
    store = RecordStore.open(step.store)
    vectors, task = read_vectors(step.vectors, store, step.space.parts), store.task(step.task)
    points = VectorSpace.fit(vectors, step.space.dimensions).points(vectors)
    groups = group_records(points, list(map(str, store.patients(np.arange(len(store))))), step.clustering)
    agreed = agreement(groups.group, store.labels(task, unknown=np.nan))
    pages = described_groups(store, groups, OWN if step.task == OWN else EVERY)
    table = store.table[["record_id", "patient_id", "fold"]].assign(
        group=groups.group + 1,
        distance=groups.distance,
        medoid=np.isin(np.arange(len(store)), groups.medoids),
    )
    described = f"Store {store.fingerprint}, vectors of {', '.join(vectors)} in {points.shape[1]} dimensions"
    today, rate = datetime.date.today().isoformat(), store.spec.sampling_rate
    page = groups_page(pages, agreed, groups.stability, step.task, rate, described, today)
    with atomic_folder(step.out, holds(GROUPS), step.overwrite) as partial:
        write_text(partial / GROUPS, table.to_csv(index=False))
        page.write(partial / PAGE)
        write_checksums(partial)
    figures = {
        "out": step.out,
        "groups": [
            {"name": one.name, "records": one.records, "lifts": [asdict(lift) for lift in one.lifts]} for one in pages
        ],
        "stability": list(groups.stability),
        "information": agreed.information,
        "adjusted_rand_index": agreed.rand,
    }
    return Outcome(figures, summary(pages, agreed, groups.stability, step))


def described_groups(store: RecordStore, groups: Groups, name: str) -> list[GroupOnPage]:
    """Every group with the labels of that task it has more often, and its medoid."""
    task = store.task(name)
    labels, names = store.labels(task, unknown=np.nan), store.table["record_id"].astype(str).tolist()
    statements = store.table["statements"].tolist()
    return [
        GroupOnPage(
            str(number + 1),
            int((groups.group == number).sum()),
            lifts(groups.group == number, labels, task.class_names),
            names[medoid],
            store.signals(slice(medoid, medoid + 1))[0],
            ", ".join(statements[medoid]),
        )
        for number, medoid in enumerate(groups.medoids)
    ]


def summary(pages: Sequence[GroupOnPage], agreed: Agreement, stability: Sequence[float], step: ClusteringStep) -> str:
    """The groups in a line each."""
    lines = [
        f"{one.name}: {one.records:,} records; "
        + (", ".join(f"{lift.name} {lift.share:.0%} ({lift.share_of_all:.0%} of all)" for lift in one.lifts) or "-")
        for one in pages
    ]
    measured = []
    if stability:
        measured.append(f"stability {np.median(stability):.2f} (adjusted Rand index over draws of patients)")
    if np.isfinite(agreed.rand):
        measured.append(f"information on {step.task} {agreed.information:.2f}, adjusted Rand index {agreed.rand:.2f}")
    else:
        measured.append(f"not compared with {step.task}: fewer than two of its classes occur alone")
    return "\n".join(
        [
            *lines,
            "; ".join(measured),
            f"{step.out / PAGE} shows a typical recording of each, {GROUPS} has the group of every record",
        ]
    )


def similar(step: SimilarStep) -> Outcome:
    """Writes the nearest recordings as a table and on paper. Returns them.

    Raises ValueError for a record that is not in the store, and vectors of another store.
    """
    check_destination(step.out, holds(NEAREST), step.overwrite)
    store = RecordStore.open(step.store)
    names = store.table["record_id"].astype(str).tolist()
    if step.record not in names:
        raise ValueError(f"--record {step.record}: the store has no such record; its first are {', '.join(names[:5])}")
    row = names.index(step.record)
    vectors = read_vectors(step.vectors, store, step.space.parts)
    points = VectorSpace.fit(vectors, step.space.dimensions).points(vectors)
    patients = store.patients(np.arange(len(store)))
    same = patients == patients[row]
    rows, distances = nearest_records(points, row, step.count, same if step.other_patients else np.zeros_like(same))
    nearest = store.table.iloc[rows]
    table = pd.DataFrame(
        {
            "record_id": nearest["record_id"].tolist(),
            "distance": distances,
            "same_patient": same[rows],
            "labels": [" ".join(one) for one in nearest["statements"]],
        }
    )
    with atomic_folder(step.out, holds(NEAREST), step.overwrite) as partial:
        write_text(partial / NEAREST, table.to_csv(index=False))
        for place, one in enumerate([row, *rows]):
            labels = ", ".join(store.table["statements"].iloc[one]) or "no label"
            title = f"record {names[one]}: {labels}" + (f"; {place} nearest to {step.record}" if place else "")
            figure = plot_ecg(store.signals(slice(one, one + 1))[0], store.spec.sampling_rate, title)
            (partial / f"{place}.png").write_bytes(figure_png(figure))
        write_checksums(partial)
    lines = [
        f"{name}: distance {distance:.2f}{', same patient' if of_same else ''}; {labels or 'no label'}"
        for name, distance, of_same, labels in zip(*(table[column] for column in table), strict=True)
    ]
    lines.append(f"{step.out}: {NEAREST}, and record {step.record} (0.png) and these on paper")
    return Outcome({"out": step.out, "record": step.record, "nearest": table}, "\n".join(lines))


def read_vectors(path: Path, store: RecordStore, parts: Sequence[str]) -> Mapping[str, np.ndarray]:
    """The named parts of a file of vectors, or all, in the order of the store: (records, width) float32 each.

    Raises ValueError for another file, parts that are not in it, and records that are not the store's.
    """
    try:
        table = pq.read_table(path)
    except (OSError, pa.ArrowInvalid) as error:
        raise ValueError(f"{path} cannot be read as vectors ({error}); expected the file of `vqecg embed`") from error
    there = [one.name for one in table.schema if pa.types.is_fixed_size_list(one.type)]
    missing = [name for name in parts if name not in there]
    if missing or not there or "record_id" not in table.schema.names:
        raise ValueError(f"{path} has the parts {', '.join(there) or 'none'}; expected {', '.join(parts) or 'some'}")
    of_store = (table.schema.metadata or {}).get(STORE_KEY.encode(), b"none").decode()
    if of_store != store.fingerprint or table["record_id"].to_pylist() != store.table["record_id"].tolist():
        raise ValueError(
            f"{path} has vectors of {table.num_rows:,} records of store {of_store}, {store.folder} is store "
            f"{store.fingerprint} of {len(store):,}: run `vqecg embed` on this store again"
        )
    chosen = list(parts) or there
    return {name: np.asarray(table[name].combine_chunks().flatten()).reshape(table.num_rows, -1) for name in chosen}


def holds(table: str) -> Callable[[Path], bool]:
    """Whether a folder is an earlier output with that table."""
    return lambda folder: (folder / SUMS_FILE).is_file() and (folder / table).is_file()
