"""The pages of a comparison and of a grid of comparisons."""
