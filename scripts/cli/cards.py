"""Model cards: what the README.md of a model's folder says."""

import json
from collections.abc import Mapping
from typing import Any

from vqecg.prior.training import PriorTraining
from vqecg.records.folds import FoldSplit, folds_text
from vqecg.records.labels import LabelTask
from vqecg.records.plain_names import markdown
from vqecg.records.store.record_store import RecordStore
from vqecg.records.store.subset import TrainingSubset
from vqecg.tokenizer.training import TokenizerTraining

LIMITS = """## Limits

Research use, not for diagnosis. It knows the population, devices and label habits of its training data and no others.
Records it makes are not recordings of anybody; how near they come to training records has to be checked before release.
The weights carry traces of the training records, and no differential privacy bounds them: docs/privacy.md of vqecg says
what is known of that.
"""


def conditions_text(smallest_cell: int) -> str:
    """The content of a generator's conditions.csv, for its card."""
    if smallest_cell == 1:
        return (
            "`conditions.csv`: every combination of labels, age (to 5 years) and sex of the training records, with its "
            "count. A row of count 1 describes one patient: **a table of individuals**, to be handled as such."
        )
    return (
        "`conditions.csv`: labels, age (to 5 years) and sex that requests are drawn from. Each row stands for at least "
        f"{smallest_cell} training records that are alike; it has the labels of one of them and the age of another. "
        f"Labels of fewer than {smallest_cell} training records are in no row, and count as 1 in config.json. For the "
        "exact table: `vqecg train-prior --smallest-cell 1`."
    )


def data_lines(store: RecordStore, folds: FoldSplit, subset: TrainingSubset) -> str:
    """The training data of a model, for its card."""
    taken = f"\n- training records left on purpose: {subset}" if subset.reduces else ""
    parts = (("training", folds.train), ("validation", folds.validation), ("test", folds.test))
    by_part = ", ".join(f"{name} {folds_text(part)}" for name, part in parts)
    return f"""## Data

- {markdown(store.description)}
- store {store.fingerprint[:16]}: {len(store):,} records of {store.spec.seconds:g} s at {store.spec.sampling_rate} Hz
- folds, by patient: {by_part}{taken}
- signals: (batch, 8, samples) float32 mV, leads I, II, V1, V2, V3, V4, V5, V6; the other four follow from I and II
"""


def known_line(learned: int, known: int) -> str:
    """A line after `data_lines` on how many of the recordings `learned` from have all labels `known`; "" for all."""
    if known == learned:
        return ""
    return f"- learned from {learned:,} training recordings; all labels are known of {known:,} of them\n"


def tokenizer_card(settings: TokenizerTraining, data: str, figures: Mapping[str, Any]) -> str:
    """The card of a tokenizer; `data` are `data_lines`."""
    model, whole = settings.model, figures["prd"][-1]
    noise = f"{settings.noise.least:g} to {settings.noise.most:g}"
    denoises = f"""
It denoises: {100 * model.noise_share:g} % of its training records had noise ({", ".join(settings.noise.kinds)}; {noise}
times as large as the recording) that it learned to leave out. What it gives back is not what was recorded.
"""
    return f"""# ECGTokenizer

12-lead ECG to codes and back: {model.levels} levels of {model.codebook_size} codes, {model.frame_rate:g} frames a
second, {model.bit_rate:.0f} bit/s, {figures["parameters"]:,} parameters.

```python
from vqecg.tokenizer.modeling import ECGTokenizer
tokenizer = ECGTokenizer.from_pretrained("this folder")
codes = tokenizer.encode(signal)        # (batch, 8, samples) mV -> (batch, frames, levels)
```
{denoises if model.denoises else ""}
{data}
## Measured

Median PRD over 12 mean-free leads, {whole["records"]:,} {figures["measured_on"]} records: {whole["median"]:.1f} %
(quartiles {whole["lower_quartile"]:.1f} to {whole["upper_quartile"]:.1f} %).

{LIMITS}"""


def generator_card(
    settings: PriorTraining, task: LabelTask, data: str, figures: Mapping[str, Any], smallest_cell: int
) -> str:
    """The card of a generator; `data` are `data_lines`."""
    model, missed = settings.model, figures["detail_loss"]
    label = json.dumps(task.class_names[0], ensure_ascii=False)
    detail = "" if missed is None else f"; the embedding of all levels is missed by {100 * missed:.1f} % of its energy"
    return f"""# ECGGenerator

Labels in, 12-lead ECGs out: a prior on a {model.backbone} backbone over the first {model.levels} levels of the
tokenizer in tokenizer/, {figures["parameters"]:,} parameters.

```python
from vqecg.prior.generator import ECGGenerator
generator = ECGGenerator.from_pretrained("this folder")
records = generator.generate(generator.requests([{label}], count=16, seed=0), seed=0)
```

## Labels

Task {task.name}: {", ".join(map(markdown, task.class_names))}. Age (years) and sex may be asked for too.

{conditions_text(smallest_cell)}

{data}
## Measured

Validation loss {figures["loss"]:.3f} nats a code (a uniform guess: {figures["uniform"]:.3f}){detail}.

{LIMITS}"""
