"""How much each modality counts: evidence of several modalities becomes one calibrated probability."""
