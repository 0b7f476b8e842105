"""Other packages' loaders of PTB-XL, at their defaults, on a data set that vqecg wrote."""
