"""The csv of a folder of one's own: what its columns are, and the labels, patients and folds in its cells."""
