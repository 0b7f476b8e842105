"""What the prior draws, how fast, and which copies its gate catches."""
