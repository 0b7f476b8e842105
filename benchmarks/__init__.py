"""What is timed and measured, each against a named alternative: `python -m benchmarks.codec.compression --help`."""
