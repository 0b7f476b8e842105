"""The prior: its draws, its speed, and the copies that its gate catches."""
