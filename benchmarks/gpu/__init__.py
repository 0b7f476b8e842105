"""The `base` preset on a GPU, one step at a time."""
