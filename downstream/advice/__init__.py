"""Advice before anyone trains for days: short trials on training and validation folds, and the decision from them."""
