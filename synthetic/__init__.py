"""SynthCast: films and training frames of parametric people, with complete ground truth."""
