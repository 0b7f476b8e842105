"""Further uses of codes and prior, besides sampling: a folder for each task."""
