"""The `personsearch` command."""
