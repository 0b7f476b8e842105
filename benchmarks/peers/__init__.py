"""Other generators of ECGs, trained for as long on the same records."""
