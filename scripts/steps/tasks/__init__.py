"""Steps of the further tasks."""
