"""Missing stretches of a recording, and the seconds after it, filled in with what may have been there."""
