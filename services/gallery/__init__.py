"""Making, listing and removing galleries."""
