"""ECGPrior: codes of an ECG <- labels and attributes, by way of a sketch that a causal transformer writes out.

The codes come in the delay pattern (Copet et al. 2023): at step s, level q stands at frame s - q, so that all levels
of a step are drawn at once and each still sees the coarser levels of its own frame. The backbone is transformers';
embeddings, conditioning and heads are ours. A head has `codebook_size` outputs: a special token cannot be drawn.

A sketch comes first (sketch/sketch.py): small models draw the record's traits - its rate, noise and representative beat
- and the times of its R peaks. At every step the transformer is given the traits, the distance of the coming frame to
the beats around it, and what the frame and its neighbours look like when the representative beat stands at every R peak
(prior/sketch/rendering.py). It is left to write how a recording differs from that. Labels it is not shown: beside the
sketch they told it nothing (docs/method.md).

A code is not just a number: embeddings and heads also see its vector in the tokenizer's codebook. So what is learned of
one code holds for those near it, and a few thousand records go further.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from vqecg.prior.backbones.registry import BACKBONES, Decoder
from vqecg.prior.conditioning import Condition
from vqecg.prior.config import ECGPriorConfig
from vqecg.prior.detail.modeling import DetailModel
from vqecg.prior.sketch.layout import PLAIN
from vqecg.prior.sketch.modeling import SketchModel
from vqecg.prior.sketch.rendering import FrameEmbedding
from vqecg.prior.sketch.rhythm import beat_distances
from vqecg.prior.sketch.sketch import Sketch
from vqecg.prior.sketch.traits import TraitBasis
from vqecg.records.bounds import Count, check_value
from vqecg.training.checkpoint import Pretrained

if TYPE_CHECKING:
    from vqecg.tokenizer.modeling import ECGTokenizer


@dataclass(frozen=True)
class ECGPriorOutput:
    """Losses of a forward pass."""

    code_loss: Tensor  # scalar, mean negative log-likelihood of a code given the sketch, nats: what is trained
    level_losses: Tensor  # (levels,) nats per code
    record_losses: Tensor  # (batch,) negative log-likelihood of all codes of a record given its sketch, nats


@dataclass(frozen=True)
class CodeTables:
    """The weights of every code and of its vector in one table, made once for many steps."""

    before: Tensor  # (levels * (codebook_size + 1), width), added up to be the input of the next step
    weight: Tensor  # (levels * codebook_size, width): hidden states -> logits; a column's numbers lie together
    bias: Tensor  # (levels * codebook_size,)
    offset: Tensor  # (levels,) int64, the first row of `before` of each level


class ECGPrior(nn.Module, Pretrained):
    """codes <- labels. Codes are (batch, frames, levels) int64 of the tokenizer named in the config."""

    config_class = ECGPriorConfig
    format_version = 2  # 1: the transformer was shown labels
    code_vectors: Tensor

    def __init__(self, config: ECGPriorConfig) -> None:
        super().__init__()
        self.config, backbone = config, BACKBONES.get(config.backbone)
        traits = PLAIN + config.components + config.other_components
        # one table for all levels; index codebook_size of a level: no code here (before its start, after its end)
        self.code_embedding = nn.Embedding(config.levels * (config.codebook_size + 1), config.width)
        self.beat_embedding = nn.Embedding(2 * config.beat_bins, config.width)
        self.trait_embedding = nn.Linear(traits, config.width, bias=False)
        self.frame_embedding = FrameEmbedding(config.hop_length, config.width)
        self.sketch = SketchModel(
            len(config.class_names),
            config.groups,
            config.frames,
            config.components,
            config.sampling_rate,
            config.hop_length,
            config.attributes,
            config.unknown_labels,
            config.other_components,
        )
        self.register_buffer("code_vectors", torch.zeros(config.levels, config.codebook_size, config.code_dimension))
        self.vectors_in = nn.Linear(config.levels * config.code_dimension, config.width, bias=False)
        self.vectors_out = nn.Linear(config.width, config.levels * config.code_dimension, bias=False)
        self.embedding_dropout = nn.Dropout(config.dropout)
        self.backbone = backbone.make(config.width, config.layers, config.heads, config.steps)
        self.head = nn.Linear(config.width, config.levels * config.codebook_size)
        self.detail = DetailModel(
            config.code_dimension,
            traits,
            config.frames,
            config.beat_bins,
            config.hop_length,
            config.detail_width,
            config.detail_blocks,
        )
        for module in (self.code_embedding, self.beat_embedding, self.head):
            nn.init.normal_(module.weight, std=0.02)
        nn.init.zeros_(self.vectors_out.weight)  # a new prior takes all codes for equally likely
        nn.init.zeros_(self.head.bias)

    @torch.no_grad()
    def set_code_vectors(self, vectors: Tensor) -> None:
        """Takes over the code vectors of the tokenizer's first levels, each level scaled to the same size.

        `vectors` are (levels, codebook_size, code_dimension); raises ValueError for another shape.
        """
        if vectors.shape != self.code_vectors.shape:
            raise ValueError(
                f"got code vectors of shape {tuple(vectors.shape)}; expected {tuple(self.code_vectors.shape)} "
                "(levels, codebook_size, code_dimension)"
            )
        size = vectors.square().mean((1, 2), keepdim=True).sqrt()
        self.code_vectors.copy_(vectors / size.clamp_min(1e-8))

    @torch.no_grad()
    def set_groups(self, membership: Tensor) -> None:
        """Sets the membership of labels in groups: (classes, groups) 0 or 1. Raises ValueError for another shape."""
        for embedding in (self.sketch.traits.condition, self.sketch.rhythm.condition):
            if membership.shape != embedding.membership.shape:
                raise ValueError(
                    f"got a membership of shape {tuple(membership.shape)}; expected "
                    f"{tuple(embedding.membership.shape)} (classes, groups)"
                )
            embedding.membership.copy_(membership)

    @torch.no_grad()
    def set_trait_basis(self, basis: TraitBasis) -> None:
        """Sets the basis by which traits are measured. Raises ValueError for a basis of another shape."""
        if basis.projection.shape != tuple(self.sketch.projection.shape):
            raise ValueError(
                f"got a basis of shape {basis.projection.shape}; expected {tuple(self.sketch.projection.shape)} "
                "(measures, traits)"
            )
        for name, part in vars(basis).items():
            getattr(self.sketch, name).copy_(torch.from_numpy(part))

    def embed_context(self, sketch: Sketch) -> Tensor:
        """(batch, steps, width): traits, where each step's frame lies between the beats, and its look."""
        if self.training:
            sketch = sketch.blurred(self.config.trait_noise)
        distances = beat_distances(sketch.times, self.config.frames, self.config.beat_bins)
        distances = distances + torch.tensor([0, self.config.beat_bins], device=distances.device)
        frames = self.beat_embedding(distances).sum(2) + self.frame_embedding(self.sketch.rendered(sketch))
        # the last steps are past the last frame: only deeper levels are drawn there
        frames = nn.functional.pad(frames, (0, 0, 0, self.config.levels - 1))
        return self.trait_embedding(sketch.traits)[:, None] + frames

    def code_tables(self) -> CodeTables:
        """The tables that `embed_codes` and `logits` look up."""
        levels = (self.config.levels, -1)
        into, out = self.vectors_in.weight.unflatten(1, levels), self.vectors_out.weight.unflatten(0, levels)
        # where there is no code there is no vector
        vectors = nn.functional.pad(torch.einsum("lkd,wld->lkw", self.code_vectors, into), (0, 0, 0, 1))
        alike = torch.einsum("lkd,ldw->lkw", self.code_vectors, out)
        before, weight = self.code_embedding.weight + vectors.flatten(0, 1), self.head.weight + alike.flatten(0, 1)
        offset = torch.arange(self.config.levels, device=before.device) * (self.config.codebook_size + 1)
        # one hidden state times this weight takes half the time where columns lie together
        return CodeTables(before, weight.T.contiguous().T, self.head.bias, offset)

    def embed_codes(self, delayed: Tensor, tables: CodeTables) -> Tensor:
        """Delayed codes (..., levels), codebook_size where there is none -> (..., width)."""
        return nn.functional.embedding(delayed + tables.offset, tables.before).sum(-2)

    def hidden_states(self, inputs: Tensor) -> Tensor:
        """(batch, steps, width) -> (batch, steps, width) of the backbone."""
        return BACKBONES.get(self.config.backbone).states(self.backbone, inputs)

    def decoder(self, batch: int) -> Decoder:
        """The backbone step by step, for `batch` records; without gradients."""
        return BACKBONES.get(self.config.backbone).decoder(self.backbone, batch, self.config.steps)

    def logits(self, hidden: Tensor, tables: CodeTables) -> Tensor:
        """(..., width) -> (..., levels, codebook_size)."""
        shape = (self.config.levels, self.config.codebook_size)
        return nn.functional.linear(hidden, tables.weight, tables.bias).unflatten(-1, shape)

    def step_logits(self, delayed: Tensor, sketch: Sketch) -> Tensor:
        """Logits (batch, steps, levels, codebook_size) of each step of delayed codes, given the steps before it."""
        tables = self.code_tables()
        return self.logits(self.step_states(delayed, sketch, tables), tables)

    def step_states(self, delayed: Tensor, sketch: Sketch, tables: CodeTables) -> Tensor:
        """Hidden states (batch, steps, width) that give the logits of each step, from the steps before it."""
        return self.hidden_states(self.step_inputs(delayed, sketch, tables))

    def layer_states(self, codes: Tensor, sketch: Sketch) -> tuple[Tensor, ...]:
        """The states before and after every layer, (batch, steps, width) each, of codes (batch, frames, levels).

        Those of a step know the codes before it.
        """
        inputs = self.step_inputs(delay(codes, self.config.codebook_size), sketch, self.code_tables())
        return BACKBONES.get(self.config.backbone).layer_states(self.backbone, inputs)

    def step_inputs(self, delayed: Tensor, sketch: Sketch, tables: CodeTables) -> Tensor:
        """Inputs of the backbone at each step, (batch, steps, width): the codes of the step before, and context."""
        # the context is the prefix, and is added at every step
        context = self.embed_context(sketch)
        before = nn.functional.pad(self.embed_codes(delayed[:, :-1], tables), (0, 0, 1, 0))
        return self.embedding_dropout(before + context)

    def forward(self, codes: Tensor, sketch: Sketch) -> ECGPriorOutput:
        """Negative log-likelihood of codes (batch, frames, levels) given the sketches they were written for.

        Raises ValueError for codes of another shape.
        """
        expected = (self.config.frames, self.config.levels)
        if codes.ndim != 3 or tuple(codes.shape[1:]) != expected:
            raise ValueError(
                f"got codes of shape {tuple(codes.shape)}; expected (batch, {expected[0]} frames, {expected[1]} levels)"
            )
        delayed = delay(codes, self.config.codebook_size)
        negative = nn.functional.cross_entropy(
            self.step_logits(delayed, sketch).flatten(0, 2).float(),
            delayed.flatten(),
            ignore_index=self.config.codebook_size,
            reduction="none",
        ).view(delayed.shape)
        levels = negative.sum(1)
        code_loss = levels.mean() / self.config.frames
        return ECGPriorOutput(code_loss, levels.mean(0) / self.config.frames, levels.sum(1))

    def negative_log_likelihood(self, codes: Tensor, condition: Condition, sketch: Sketch) -> Tensor:
        """Of whole records, sketch and codes together: (batch,) nats."""
        drawn = self.sketch(sketch, condition)
        return self(codes, sketch).record_losses + drawn.beats + drawn.traits


def delay(codes: Tensor, empty: int) -> Tensor:
    """(batch, frames, levels) -> (batch, frames + levels - 1, levels): level q runs q steps late, `empty` around."""
    batch, frames, levels = codes.shape
    delayed = codes.new_full((batch, frames + levels - 1, levels), empty)
    for level in range(levels):
        delayed[:, level : level + frames, level] = codes[..., level]
    return delayed


def undelay(delayed: Tensor) -> Tensor:
    """The reverse of `delay`."""
    steps, levels = delayed.shape[1:]
    frames = steps - levels + 1
    return torch.stack([delayed[:, level : level + frames, level] for level in range(levels)], dim=2)


def check_fit(prior: ECGPrior, tokenizer: ECGTokenizer, samples: int) -> None:
    """Raises ValueError where a prior's settings are not those of its tokenizer, for records of so many samples."""
    check_value("samples", samples, Count)
    config = prior.config
    expected = {
        "sampling_rate": tokenizer.config.sampling_rate,
        "hop_length": tokenizer.hop_length,
        "codebook_size": tokenizer.codebook_size,
        "code_dimension": tokenizer.config.dimension,
        "frames": tokenizer.frames(samples),
    }
    other = {name: value for name, value in expected.items() if getattr(config, name) != value}
    if other or config.levels > tokenizer.num_levels:
        there = {name: getattr(config, name) for name in (*other, "levels")}
        raise ValueError(
            f"the prior's settings are {there}, the tokenizer and records of {samples} samples have "
            f"{other | {'levels': tokenizer.num_levels}}: use the parts of one generator"
        )
