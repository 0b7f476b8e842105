"""What the levels that the prior does not write would add, predicted from the sketch."""
