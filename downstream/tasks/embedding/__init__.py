"""A vector for each ECG, from the parts of a generator: a file each."""
