"""The generator as a classifier beside the classifier: readers of what it says of a recording, and their controls."""
