"""Downstream: classifiers, arms of added records, the comparison and its report."""

if __name__ != "vqecg.downstream":
    raise ImportError(
        "this folder is the package vqecg.downstream: install the checkout (pip install -e .) "
        "and import vqecg.downstream, not downstream"
    )
