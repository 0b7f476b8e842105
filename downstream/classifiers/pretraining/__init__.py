"""Trainings of a classifier's weights before the labelled records: contrastive, or on codes that are masked."""
