"""Backbones of the prior: transformers' modules for training, and for sampling a decoder that runs on their weights."""
