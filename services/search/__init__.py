"""Finds every appearance of a person: query -> direct matches -> associations -> ranked hits and tracks."""
