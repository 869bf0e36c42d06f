"""Gates on the difficulty of the world: what a naive method may reach at most, and that the films are not too easy."""
