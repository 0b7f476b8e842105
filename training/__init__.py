"""Training: one loop on accelerate for every model of the project, and the folder format a trained model is kept in."""

if __name__ != "vqecg.training":
    raise ImportError(
        "this folder is the package vqecg.training: install the checkout (pip install -e .) "
        "and import vqecg.training, not training"
    )
