"""Assessment of synthetic records against real ones: utility to classifiers, and all measures joined."""
