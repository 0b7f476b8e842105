"""New records from real ones: interpolation, infilling, and which records may be paired."""
