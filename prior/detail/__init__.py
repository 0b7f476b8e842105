"""The part of the embedding that the prior does not write, predicted from the sketch."""
