"""R peaks, and the alignment of two recordings beat by beat."""
