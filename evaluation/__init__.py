"""Evaluation: what generated ECGs are worth, and the statistics behind every claim."""

if __name__ != "vqecg.evaluation":
    raise ImportError(
        "this folder is the package vqecg.evaluation: install the checkout (pip install -e .) "
        "and import vqecg.evaluation, not evaluation"
    )
