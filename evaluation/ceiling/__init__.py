"""What a perfect reader of typed descriptions would find: the ceiling of any system, by the world's own truth."""
