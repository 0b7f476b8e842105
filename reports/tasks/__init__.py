"""Pages of the further tasks."""
