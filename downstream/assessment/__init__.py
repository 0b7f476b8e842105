"""What classifiers say of synthetic records: utility, and the joined assessment."""
