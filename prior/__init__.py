"""Prior: sequences of codes, learned from real recordings and written anew for the labels asked for."""

if __name__ != "vqecg.prior":
    raise ImportError(
        "this folder is the package vqecg.prior: install the checkout (pip install -e .) "
        "and import vqecg.prior, not prior"
    )
