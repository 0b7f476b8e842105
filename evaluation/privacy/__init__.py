"""Memorisation of training records and membership inference."""
