"""The tokenizer against a transform codec, in error, diagnosis and speed."""
