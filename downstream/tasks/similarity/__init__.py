"""What is near to what: groups of recordings, and the nearest ones to one, in the space of their vectors."""
