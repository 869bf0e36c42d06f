"""One figure per file: its definition, then its computation."""
