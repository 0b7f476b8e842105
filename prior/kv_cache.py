"""The keys and values that sampling keeps from step to step."""

from torch import Tensor
from transformers.cache_utils import Cache, DynamicLayer


def preallocated_cache(layers: int, steps: int) -> Cache:
    """An empty cache for a backbone of so many layers and sequences of up to `steps` steps."""
    return Cache(layers=[PreallocatedLayer(steps) for _ in range(layers)])


class PreallocatedLayer(DynamicLayer):
    """Keys and values of one layer in a buffer of full length: a step writes one row instead of copying all of them."""

    def __init__(self, steps: int) -> None:
        super().__init__()
        self.steps, self.filled = steps, 0

    def update(
        self, key_states: Tensor, value_states: Tensor, *args: object, **kwargs: object
    ) -> tuple[Tensor, Tensor]:
        """Writes the new rows (batch, heads, new, head size) and returns all rows so far."""
        if not self.is_initialized:
            shape = (*key_states.shape[:2], self.steps, key_states.shape[3])
            self.keys, self.values = key_states.new_empty(shape), value_states.new_empty(shape)
            self.is_initialized = True
        assert self.keys is not None and self.values is not None  # the base class leaves them open
        end = self.filled + key_states.shape[2]
        self.keys[:, :, self.filled : end] = key_states
        self.values[:, :, self.filled : end] = value_states
        self.filled = end
        return self.keys[:, :, :end], self.values[:, :, :end]

    def get_seq_length(self) -> int:
        """Rows so far."""
        return self.filled
