"""The measures themselves: distances, intervals of few positives, pooled folds, classifiers by their recipes."""
