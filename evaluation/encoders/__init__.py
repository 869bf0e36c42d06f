"""The pack's encoders and the naive baselines on the same crops and lines, taken from the films by the truth."""
