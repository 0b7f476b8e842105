"""Recordings without wander, muscle noise and moving electrodes, by a tokenizer that learned to leave them out."""
