"""Commands of the further tasks."""
