"""Codes and the sketch they were written for -> a recording: the detail model, the decoder, the correction."""

import torch
from torch import Tensor

from vqecg.prior.detail.modeling import DetailModel
from vqecg.prior.sketch.correction import corrected
from vqecg.prior.sketch.modeling import SketchModel
from vqecg.prior.sketch.sketch import Sketch
from vqecg.tokenizer.modeling import ECGTokenizer


@torch.inference_mode()
def decoded(
    codes: Tensor,
    sketch: Sketch,
    tokenizer: ECGTokenizer,
    model: SketchModel,
    detail: DetailModel | None,
    samples: int,
    correct: bool = True,
) -> Tensor:
    """Codes (batch, frames, levels), all on the models' device -> (batch, 8, samples) float32 mV.

    Without `detail`, the levels that the codes lack are left out; without `correct`, the recording is not held to the
    sketch.
    """
    embedding = tokenizer.quantizer.embed(codes)
    if detail is not None:
        embedding = embedding + detail(embedding, sketch, model.rendered(sketch))
    signal = tokenizer.decode_embedding(embedding, samples)
    return corrected(signal, sketch, model) if correct else signal
