"""ECGs as archives: the tokenizer's codes, as many levels a frame as its error asks for, entropy coded."""
