"""Everything that SynthCast lets one hear: voices, mouths, rooms, noise, the film's mix, the voice data set."""
