"""Methods of augmentation, one per file."""
