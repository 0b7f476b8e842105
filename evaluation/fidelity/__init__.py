"""Distances between real and synthetic records, as features and as signals."""
