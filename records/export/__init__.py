"""Data sets in PTB-XL's own layout, and the WFDB files in them."""
