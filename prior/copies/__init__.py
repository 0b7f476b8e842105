"""Nearest training records, and the gate that rejects near copies."""
