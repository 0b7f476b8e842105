"""A corpus prepared once: signals in one memory-mapped file, its table, and selections of its rows."""
