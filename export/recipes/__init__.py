"""Recipes for public checkpoints: the user gives a file, a recipe makes models of a pack out of it."""
