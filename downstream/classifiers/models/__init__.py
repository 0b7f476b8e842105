"""Classifiers, one per file: every model maps (batch, leads, samples) float32 mV to (batch, classes) logits."""
