"""The benchmark of sampling, at tiny size."""

import pytest

from benchmarks.sampling import speed


@pytest.mark.slow
def test_sampling_compares_with_forward_passes_and_with_generate(run):
    sizes = ("--preset", "tiny", "--frames", "6", "--batches", "2", "--rounds", "1")
    printed = run(speed, *sizes)
    assert "transformers' forward pass" in printed and "outside the backbone" in printed
    assert "generate, as many steps" in printed and "generate, as many codes" in printed


def test_forward_passes_of_transformers_draw_the_same_codes():
    prior = speed.load_prior(speed.parse(["--preset", "tiny", "--frames", "6"]))
    drawn = speed.sampling.sample(prior, speed.conditions(prior, 3), 0, speed.SamplingSettings())
    with speed.forward_passes(prior):
        again = speed.sampling.sample(prior, speed.conditions(prior, 3), 0, speed.SamplingSettings())
    assert (drawn.codes == again.codes).all()
