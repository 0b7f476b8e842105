"""A recurrent network step by step is the network over the whole sequence."""

import torch
from torch import nn

from vqecg.prior.sketch.recurrence import next_state


def test_steps_are_those_of_the_whole_sequence() -> None:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        network = nn.GRU(3, 5, batch_first=True).double()
        inputs = torch.randn(4, 6, 3, dtype=torch.float64)
    with torch.inference_mode():
        whole, _ = network(inputs)
        state, states = None, []
        for step in range(6):
            state = next_state(network, inputs[:, step], state)
            states.append(state)
    torch.testing.assert_close(torch.stack(states, dim=1), whole, rtol=1e-12, atol=1e-12)
