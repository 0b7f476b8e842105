"""The ways to mix a stream of synthetic records with the real ones: when, apart in what, and with which last steps."""
