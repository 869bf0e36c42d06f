"""Ways to make one score of what several modalities say, over matrices: what the protocols compare."""
