"""What codes and prior are good for besides sampling: a folder for each task."""
