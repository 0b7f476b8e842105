"""The phases of a training on a mixture: all weights on both streams, then perhaps the head alone on real records."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from vqecg.downstream.classifiers.mixing.branches import BRANCHES
from vqecg.training.fit import FitResult, FitSettings, fit
from vqecg.training.sampler import Examples

Loss = Callable[[nn.Module, dict[str, Tensor]], dict[str, Tensor]]  # as `fit` asks for it
HEAD = ("head", "bias")  # what a classifier's weights from features to classes are named


@dataclass(frozen=True, eq=False)
class Phase:
    """Examples and their loss."""

    examples: Examples
    loss: Loss


def fit_phases(
    model: nn.Module,
    mixed: Phase,
    real: Phase,
    settings: FitSettings,
    branch: str,
    head_share: float,
    folder: Path | None = None,
    evaluate: Callable[[nn.Module], dict[str, float]] | None = None,
    description: str = "classifier",
    progress: bool = True,
) -> FitResult:
    """Trains `model` in place on `mixed`, and for the last `head_share` of the steps its head alone on `real`.

    The steps of both phases are those of `settings` in all; each has its own schedule of the learning rate. `branch` is
    a name of BRANCHES, `evaluate` as `fit` takes it. With a `folder` either phase resumes exactly. Raises ValueError as
    `fit`, as the branch, and for a model without a head.
    """
    last = round(head_share * settings.steps)
    steps = settings.steps - last
    first = replace(settings, steps=steps, warmup_steps=min(settings.warmup_steps, steps))
    result = fit(
        BRANCHES.get(branch)(model),
        mixed.examples,
        mixed.loss,
        first if last else settings,
        folder=folder,
        evaluate=evaluate,
        description=description,
        progress=progress,
    )
    if not last:
        return result
    with frozen_backbone(model) as headed:
        final = fit(
            headed,
            real.examples,
            real.loss,
            replace(settings, steps=last, warmup_steps=0),
            folder=None if folder is None else folder / "head",
            evaluate=evaluate,
            description=f"{description}, head",
            progress=progress,
        )
    later = [row | {"step": row["step"] + result.steps} for row in final.history]
    return replace(
        final,
        history=[*result.history, *later],
        steps=result.steps + final.steps,
        best_step=result.steps + final.best_step,
        seconds=result.seconds + final.seconds,
    )


class FrozenNorms(nn.Module):
    """A classifier whose batch norms keep what they have learned of means and variances while it is trained."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model, self.config = model, getattr(model, "config", None)

    def train(self, mode: bool = True) -> "FrozenNorms":
        """As every module's, but for batch norms."""
        super().train(mode)
        for module in self.modules():
            if isinstance(module, _BatchNorm):
                module.eval()
        return self

    def forward(self, signal: Tensor) -> Tensor:
        return self.model(signal)


@contextmanager
def frozen_backbone(model: nn.Module) -> Iterator[FrozenNorms]:
    """The model in which, for the length of a `with` block, only the head is trained (Kang et al. 2020).

    Raises ValueError for a model without one.
    """
    frozen = [p for name, p in model.named_parameters() if p.requires_grad and name.split(".")[0] not in HEAD]
    if len(frozen) == sum(p.requires_grad for p in model.parameters()):
        raise ValueError(f"{type(model).__name__} has no weights named {HEAD[0]}: leave mixture.head_share 0")
    for parameter in frozen:
        parameter.requires_grad_(False)
    try:
        yield FrozenNorms(model)
    finally:
        for parameter in frozen:
            parameter.requires_grad_(True)
