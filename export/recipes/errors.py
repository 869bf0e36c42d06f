"""The error of this room; it needs nothing, so that the command line can know it by name."""


class RecipeError(Exception):
    """A file that a recipe cannot take; the message says what was found, what was expected and what to do."""
