"""Generators that come with vqecg, and where a generator lies."""
