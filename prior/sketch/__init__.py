"""The sketch of a record: its traits and R peak times, drawn before the codes."""
