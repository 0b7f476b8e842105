"""Tokenizer: a 12-lead ECG to a short sequence of codes and back (VQ-VAE with residual quantization)."""

if __name__ != "vqecg.tokenizer":
    raise ImportError(
        "this folder is the package vqecg.tokenizer: install the checkout (pip install -e .) "
        "and import vqecg.tokenizer, not tokenizer"
    )
