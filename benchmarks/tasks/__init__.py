"""Benchmarks of the further tasks."""
