"""Quantizers: a file per way of turning embeddings into codes and back; base.py has the registry."""
