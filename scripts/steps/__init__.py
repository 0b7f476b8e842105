"""The steps of the work, one per file: settings and inputs in a dataclass, and the function that does the step."""
