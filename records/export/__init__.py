"""Data sets that are written: their layouts, PTB-XL's before others, and the WFDB files in them."""
