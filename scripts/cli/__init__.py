"""The command line itself: arguments, stages, presets, and the entry point."""
