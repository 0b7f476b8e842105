"""Added records: the plan, the methods that make them, and the checks that reject them."""
