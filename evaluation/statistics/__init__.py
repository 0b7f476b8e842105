"""Intervals and tests, with one convention."""
