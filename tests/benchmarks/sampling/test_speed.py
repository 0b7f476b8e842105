"""The benchmark of sampling, at tiny size."""

import pytest

from benchmarks.sampling import speed


@pytest.mark.slow
def test_sampling_compares_with_a_growing_cache_and_with_generate(run):
    sizes = ("--preset", "tiny", "--frames", "6", "--batches", "2", "--rounds", "1")
    printed = run(speed, *sizes)
    assert "growing cache" in printed and "outside the backbone" in printed
    assert "generate, as many steps" in printed and "generate, as many codes" in printed


def test_a_growing_cache_draws_the_same_codes():
    prior = speed.load_prior(speed.parse(["--preset", "tiny", "--frames", "6"]))
    drawn = speed.sampling.sample(prior, speed.conditions(prior, 3), 0, speed.SamplingSettings())
    with speed.growing_cache():
        again = speed.sampling.sample(prior, speed.conditions(prior, 3), 0, speed.SamplingSettings())
    assert (drawn.codes == again.codes).all()
