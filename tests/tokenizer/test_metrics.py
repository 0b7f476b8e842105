"""Metrics of the tokenizer: PRD by hand, codebook use, and an assessment that is plain JSON."""

import json
import math

import numpy as np
import pytest
import torch

from vqecg.records.folds import SplitIndices
from vqecg.records.store.record_store import RecordStore
from vqecg.tokenizer.metrics import assess_tokenizer, encode_store, level_use, prd, reconstruct, summarise_prd
from vqecg.tokenizer.modeling import ECGTokenizer


def test_prd_of_an_example_by_hand():
    signal, error = torch.zeros(1, 8, 4), torch.zeros(1, 8, 4)
    signal[0, 2] = torch.tensor([3.0, 5.0, 3.0, 5.0])  # mean-free: 1 mV, energy 4
    signal[0, 3] = torch.tensor([0.0, 0.0, 4.0, 0.0])  # mean-free: -1 -1 3 -1, energy 12
    error[0, 4] = torch.tensor([0.0, 1.0, 0.0, 0.0])  # energy 1
    assert float(prd(signal, signal + error)) == pytest.approx(100 * math.sqrt(1 / 16))


def test_prd_is_taken_over_twelve_leads():
    signal, error = torch.zeros(1, 8, 2), torch.zeros(1, 8, 2)
    signal[0, 2] = torch.tensor([-1.0, 1.0])  # V1: energy 2
    error[0, 0] = torch.tensor([0.1, 0.0])  # in I, so also in III (1), aVR, aVF (1/2 each) and aVL (1)
    energy = 0.01 * (1 + 1 + 0.25 + 1 + 0.25)
    assert float(prd(signal, signal + error)) == pytest.approx(100 * math.sqrt(energy / 2), rel=1e-5)


def test_prd_counts_a_shifted_baseline_and_is_of_each_record_apart():
    signal = torch.randn(3, 8, 100, generator=torch.Generator().manual_seed(0))
    shifted = signal + torch.tensor([0.0, 0.1, 1.0])[:, None, None]
    values = prd(signal, shifted)
    assert values.shape == (3,) and values[0] == 0 < values[1] < values[2]
    torch.testing.assert_close(prd(10 * signal, 10 * shifted), values)


def test_codes_of_a_store_are_those_of_its_records_in_order(simulated_store: RecordStore, tiny_tokenizer: ECGTokenizer):
    indices = np.array([5, 2, 90, 7, 8])
    codes = encode_store(tiny_tokenizer, simulated_store, indices, batch_size=2, progress=False)
    assert codes.dtype == torch.int16 and codes.shape == (5, 125, 4)
    expected = tiny_tokenizer.encode(torch.from_numpy(simulated_store.signals(indices)))
    assert torch.equal(codes.long(), expected)


def test_no_records_give_no_codes(simulated_store: RecordStore, tiny_tokenizer: ECGTokenizer):
    codes = encode_store(tiny_tokenizer, simulated_store, np.zeros(0, np.int64), progress=False)
    assert codes.shape[0] == 0 and codes.shape[2] == 4


def test_reconstruction_does_not_depend_on_the_batch_size(simulated_store: RecordStore, tiny_tokenizer: ECGTokenizer):
    codes = encode_store(tiny_tokenizer, simulated_store, np.arange(5), progress=False)
    whole = reconstruct(tiny_tokenizer, codes, 1000)
    torch.testing.assert_close(reconstruct(tiny_tokenizer, codes, 1000, batch_size=2), whole)
    first = reconstruct(tiny_tokenizer, codes, 1000, levels=1)
    torch.testing.assert_close(first, reconstruct(tiny_tokenizer, codes[..., :1], 1000))


def test_the_summary_names_median_and_quartiles():
    summary = summarise_prd(torch.tensor([10.0, 20.0, 30.0, 40.0, 50.0]), levels=2)
    assert (summary.lower_quartile, summary.median, summary.upper_quartile) == (20, 30, 40)
    assert summary.levels == 2 and summary.records == 5


def test_level_use_tells_share_perplexity_and_bits():
    codes = torch.tensor([[[0, 3], [1, 3]], [[2, 3], [3, 3]]])
    first, second = level_use(codes, 8)
    assert (first.used, first.perplexity, first.bits) == pytest.approx((0.5, 4, 2))
    assert (second.level, second.used, second.perplexity, second.bits) == (1, 0.125, 1, 0)


def test_an_assessment_measures_growing_numbers_of_levels_and_is_plain_json(
    simulated_store: RecordStore, simulated_split: SplitIndices, tiny_tokenizer: ECGTokenizer
):
    found = assess_tokenizer(
        tiny_tokenizer, simulated_store, simulated_split.train, simulated_split.test, progress=False
    )
    assert [summary.levels for summary in found.prd] == [1, 2, 3, 4]
    medians = [summary.median for summary in found.prd]
    assert medians == sorted(medians, reverse=True) and 0 < medians[-1] < 100
    assert len(found.use) == 4 and all(1 <= use.perplexity <= 32 for use in found.use)
    assert found.bit_rate == 4 * 5 * 12.5 and found.encode_records_per_second > 0
    plain = json.loads(json.dumps(found.to_dict()))
    assert plain["prd"][0]["records"] == len(simulated_split.test)


def test_an_assessment_without_test_records_is_refused(simulated_store: RecordStore, tiny_tokenizer: ECGTokenizer):
    with pytest.raises(ValueError, match="no test records"):
        assess_tokenizer(tiny_tokenizer, simulated_store, np.arange(3), np.zeros(0, np.int64), progress=False)
