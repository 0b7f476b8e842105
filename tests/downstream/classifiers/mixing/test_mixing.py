"""How a stream is mixed in: schedules, parts of the network of its own, the head's phase, soft labels."""

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from vqecg.downstream.classifiers.mixing.branches import BATCH_NORM, FLAG, Flagged, OwnBatchNorm
from vqecg.downstream.classifiers.mixing.phases import frozen_backbone
from vqecg.downstream.classifiers.mixing.schedules import SCHEDULES, synthetic_before
from vqecg.downstream.classifiers.mixture import MixedExamples, MixtureSettings
from vqecg.downstream.classifiers.settings import CLASSIFIER_FIT, ClassifierSettings
from vqecg.downstream.classifiers.training import (
    LabelledSignals,
    TrainedClassifier,
    examples_of,
    initial_classifier,
    softened,
    train_classifier,
)

NAMES = ("tall", "slow")
SMALL: dict[str, Any] = {"stem_width": 8, "widths": (8, 16), "blocks": (1, 1)}
SHORT = ClassifierSettings(
    fit=dataclasses.replace(CLASSIFIER_FIT, steps=6, batch_size=8, warmup_steps=1, evaluate_every=2)
).changed({"mixture.share": 0.5})
WAYS = [
    {"mixture.schedule": "synthetic first"},
    {"mixture.schedule": "cosine"},
    {"mixture.branch": BATCH_NORM},
    {"mixture.branch": FLAG},
    {"mixture.head_share": 0.4},
    {"mixture.soft_labels": 0.5},
]


def records(count: int, seed: int) -> LabelledSignals:
    generator = np.random.default_rng(seed)
    labels = generator.integers(0, 2, (count, 2))
    noise = generator.standard_normal((count, 8, 100)).astype(np.float32)
    return LabelledSignals(noise + labels[:, :1, None].astype(np.float32), labels)


REAL, STREAM = records(12, 0), records(20, 1)


def train(changes: dict[str, Any], folder: Path | None = None) -> TrainedClassifier:
    return train_classifier(
        REAL, SHORT.changed(changes), NAMES, 0, records(6, 2), folder=folder, progress=False, model_settings=SMALL,
        stream=STREAM,
    )  # fmt: skip


def weights(model: nn.Module) -> torch.Tensor:
    return torch.cat([tensor.detach().flatten().float() for tensor in model.state_dict().values()])


def classifier(model: str = "resnet", **settings: Any) -> nn.Module:
    return initial_classifier(model, {"class_names": NAMES, **settings}, 0)


@pytest.mark.parametrize("schedule", SCHEDULES.names())
@pytest.mark.parametrize(("share", "batch"), [(0.5, 8), (0.2, 64), (0.05, 10)])
def test_every_schedule_shows_as_many_synthetic_records_and_no_batch_is_overfull(
    schedule: str, share: float, batch: int
):
    counts = np.diff(synthetic_before(schedule, share, batch, 50))
    assert counts.sum() == round(share * batch * 50)
    assert counts.min() >= 0 and counts.max() <= batch
    if schedule not in ("constant", "synthetic first"):
        assert counts[:10].mean() > counts[-10:].mean() and counts[-1] <= 1
        assert abs(counts[:5].mean() / batch - 2 * share) < 0.3 * share


def test_synthetic_records_come_first_and_each_stream_shows_all_its_records():
    chosen = SHORT.changed({"mixture.schedule": "synthetic first"})
    examples = examples_of(REAL, STREAM, chosen, 100)
    assert isinstance(examples, MixedExamples)
    batches = [examples.choose(8, step, 0) for step in range(6)]
    assert all(((batch >= 12) == (step < 3)).all() for step, batch in enumerate(batches))
    seen = np.bincount(np.concatenate(batches), minlength=32)
    assert seen.min() >= 1 and seen[:12].max() == 2 and seen[12:].max() == 2


@pytest.mark.bad_input("setting")
def test_a_share_that_would_begin_above_a_whole_batch_is_refused():
    with pytest.raises(ValueError, match="begins at more than 1"):
        MixtureSettings(0.6, schedule="linear")
    with pytest.raises(ValueError, match="unknown"):
        MixtureSettings(0.5, schedule="sideways")
    with pytest.raises(ValueError, match="unknown"):
        MixtureSettings(0.5, branch="none")


def test_either_kind_has_batch_norms_of_its_own_and_the_rest_in_common():
    model = classifier(**SMALL)
    branches = OwnBatchNorm(model).train()
    signal = torch.from_numpy(REAL.signals[np.arange(12)])
    synthetic = torch.arange(12) % 2 == 1
    before = [tensor.clone() for tensor in branches.synthetic.buffers()]
    branches(torch.where(synthetic[:, None, None], signal + 5, signal), synthetic).sum().backward()
    alone = classifier(**SMALL).train()
    alone(signal[~synthetic])
    for name, buffer in model.named_buffers():
        assert torch.equal(buffer, alone.get_buffer(name)), "synthetic records leave the statistics of real ones"
    assert any(not torch.equal(now, then) for now, then in zip(branches.synthetic.buffers(), before, strict=True))
    assert all(parameter.grad is not None for parameter in branches.parameters())


def test_logits_keep_the_order_of_the_records_and_without_flags_all_are_real():
    model = classifier(**SMALL).eval()
    signal, synthetic = torch.from_numpy(REAL.signals[np.arange(12)]), torch.arange(12) % 3 == 0
    for branch in (OwnBatchNorm(model).eval(), Flagged(model).eval()):
        expected = model(signal)
        assert torch.allclose(branch(signal, synthetic), expected, atol=1e-5), "both kinds alike at the start"
        assert torch.equal(branch(signal), expected)


def test_a_flag_is_a_constant_input_channel_for_synthetic_records_alone():
    model = classifier(**SMALL).eval()
    flagged = Flagged(model).eval()
    with torch.no_grad():
        flagged.flag.fill_(1.0)
    signal, synthetic = torch.from_numpy(REAL.signals[np.arange(4)]), torch.tensor([True, False, True, False])
    moved = (flagged(signal, synthetic) - model(signal)).abs().sum(dim=1) > 1e-6
    assert moved.tolist() == synthetic.tolist()
    assert torch.equal(flagged(signal), model(signal)), "no hook is left behind"


@pytest.mark.bad_input("model")
def test_a_classifier_without_batch_norm_cannot_have_its_own():
    with pytest.raises(ValueError, match="has no batch norm"):
        OwnBatchNorm(nn.Linear(2, 2))
    with pytest.raises(ValueError, match="no convolution"):
        Flagged(nn.Linear(2, 2))
    with pytest.raises(ValueError, match="no weights named head"), frozen_backbone(nn.Linear(2, 2, bias=False)):
        pass


@pytest.mark.bad_input("setting")
def test_mixup_has_no_part_of_the_network_for_one_kind():
    with pytest.raises(ValueError, match="part real and part synthetic"):
        train({"mixture.branch": FLAG, "augmentation.name": "mixup"})


@pytest.mark.parametrize("model", ["resnet", "attention-rnn", "label-correlation", "bi-lstm"])
def test_the_head_alone_is_trained_and_batch_norms_keep_their_statistics(model: str):
    classified = classifier(model)
    before = {name: tensor.clone() for name, tensor in classified.state_dict().items()}
    with frozen_backbone(classified) as headed:
        trained = [parameter for parameter in headed.parameters() if parameter.requires_grad]
        optimizer = torch.optim.SGD(trained, lr=1.0)
        headed.train()(torch.from_numpy(REAL.signals[np.arange(4)])).square().sum().backward()
        optimizer.step()
    changed = {name for name, tensor in classified.state_dict().items() if not torch.equal(tensor, before[name])}
    assert changed and {name.split(".")[0] for name in changed} <= {"head", "bias"}
    assert all(parameter.requires_grad for parameter in classified.parameters())


def test_soft_labels_are_part_a_teachers_and_fill_unknown_ones():
    teacher = classifier(**SMALL).eval()
    known = LabelledSignals(STREAM.signals, STREAM.labels)
    soft = softened(known, teacher, 0.25)
    scores = torch.sigmoid(teacher(torch.from_numpy(STREAM.signals[np.arange(20)]))).detach().numpy()
    assert np.allclose(soft.labels, 0.75 * STREAM.labels + 0.25 * scores, atol=1e-5)
    unknown = LabelledSignals(STREAM.signals, np.where(np.arange(2) == 0, np.nan, STREAM.labels))
    assert np.allclose(softened(unknown, teacher, 0.25).labels[:, 0], scores[:, 0], atol=1e-5)


@pytest.fixture(scope="module")
def plain() -> torch.Tensor:
    """The weights of a mixture that is used in no other way."""
    return weights(train({}).model)


@pytest.mark.parametrize("way", WAYS, ids=lambda way: next(iter(way.values())))
def test_every_way_takes_as_many_steps_resumes_to_the_bit_and_differs_from_the_plain_mixture(
    way: dict[str, Any], plain: torch.Tensor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    whole = train(way)
    assert whole.fit.steps == 6 and whole.fit.history[-1]["step"] == 6
    assert not torch.equal(weights(whole.model), plain)
    stop_after(4, monkeypatch)
    with pytest.raises(KeyboardInterrupt):
        train(way, tmp_path)
    monkeypatch.undo()
    resumed = train(way, tmp_path)
    assert torch.equal(weights(resumed.model), weights(whole.model))
    assert resumed.model.state_dict().keys() == classifier(**SMALL).state_dict().keys(), "saved as the classifier alone"


def stop_after(batches: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Interrupts the training when it asks for one more batch."""
    from vqecg.downstream.classifiers import training

    asked, batch = [], training.ClassifierExamples.batch

    def counted(self: Any, *given: Any) -> Any:
        asked.append(1)
        if len(asked) > batches:
            raise KeyboardInterrupt
        return batch(self, *given)

    monkeypatch.setattr(training.ClassifierExamples, "batch", counted)
