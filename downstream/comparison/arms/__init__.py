"""The arms of a comparison: by name, and filled with the records that they add."""
