"""The way of a video, one stage per file: decode, shots, detect, attach, track, observe, encode, aggregate, write."""
