"""Reading, preparing and simulating records."""
