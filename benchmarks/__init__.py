"""Timings and measurements, each against a named alternative: `python -m benchmarks.codec.compression --help`."""
