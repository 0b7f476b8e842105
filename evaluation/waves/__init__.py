"""P, QRS and T: the segmenter, delineation, physiology and label adherence."""
