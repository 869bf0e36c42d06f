"""What the trained networks are worth: retrieval, detection, baselines, and evidence from similarity."""
