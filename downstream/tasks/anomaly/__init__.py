"""How unlike a normal ECG a recording is, and where."""
