"""Data sets as their publishers ship them: one reader per layout, registered by name."""
