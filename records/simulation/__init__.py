"""Simulated 12-lead ECGs whose truth is known."""
