"""Settings of the tokenizer."""

from dataclasses import dataclass, field
from math import log2

from vqecg.records.bounds import (
    BelowOne,
    Checked,
    Codes,
    CountOrNone,
    Depth,
    DepthOrNone,
    Hertz,
    Positive,
    Share,
    Size,
    Weight,
)
from vqecg.records.leads import INDEPENDENT_LEADS
from vqecg.training.checkpoint import OMITTED_WHILE_DEFAULT


@dataclass(frozen=True)
class ECGTokenizerConfig(Checked):
    """The shape of an `ECGTokenizer`, its input and its losses."""

    sampling_rate: Hertz = 100  # Hz
    leads: tuple[str, ...] = INDEPENDENT_LEADS  # in the order of the signal's rows
    scale: Positive = 0.24  # mV that count as 1 inside the model; one for all leads and records: voltage is diagnosis
    hop_length: Size = 8  # samples per frame
    width: Size = 128  # channels of the convolutions
    encoder_blocks: DepthOrNone = 4  # residual blocks before the quantizer
    decoder_blocks: DepthOrNone = 6  # residual blocks after it
    kernel_size: Size = 5  # frames
    dimension: Size = 64  # of a frame's embedding, the space of the codebooks
    levels: Depth = 8  # residual codebooks
    codebook_size: Codes = 1024  # codes per level
    codebook_decay: BelowOne = 0.99  # of the moving averages, per step
    dead_code_threshold: Share = 0.05  # a code used less than this share of an even share is restarted
    kmeans_iterations: CountOrNone = 10  # of Lloyd's algorithm at the start of a level
    quantizer_dropout: Share = 0.25  # share of training records decoded from a random number of first levels
    commitment_weight: Weight = 0.25  # of the commitment loss
    slope_weight: Weight = 0.3  # of the loss in the slope (first difference)
    quantizer: str = field(default="residual", metadata=OMITTED_WHILE_DEFAULT)  # a name of tokenizer/quantizers/
    noise_share: Share = field(  # of training records whose input has noise that the reconstruction should not have
        default=0.0, metadata=OMITTED_WHILE_DEFAULT
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.leads != INDEPENDENT_LEADS:
            raise ValueError(f"leads are {self.leads}; expected {INDEPENDENT_LEADS}, from which the loss makes twelve")
        if self.kernel_size % 2 == 0:
            raise ValueError(f"kernel_size is {self.kernel_size}; expected an odd number, so that frames stay in place")

    @property
    def denoises(self) -> bool:
        """True for a tokenizer whose reconstruction leaves noise out: it is not what was recorded."""
        return self.noise_share > 0

    @property
    def frame_rate(self) -> float:
        """Frames per second."""
        return self.sampling_rate / self.hop_length

    @property
    def bit_rate(self) -> float:
        """Bits per second when every code costs log2(codebook_size) bits."""
        return self.levels * log2(self.codebook_size) * self.frame_rate
