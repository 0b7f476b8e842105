"""The commands that train a model: `vqecg train-tokenizer` and so on, a file each."""
