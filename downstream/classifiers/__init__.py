"""Classifiers: models, losses, training, thresholds and metrics."""
