"""What the published protocols run on: one value type, and a loader for each layout."""
