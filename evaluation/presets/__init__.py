"""Whether a real Triton answers what torch answers, of every small preset that `python -m export presets` wrote."""
