"""Reading SynthCast frames, and changing them."""
