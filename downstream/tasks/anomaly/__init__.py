"""Anomaly: scores of recordings that are unlike normal ECGs, with the lead and the wave."""
