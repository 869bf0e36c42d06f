"""A gallery of films, rendered, taken in, asked and measured by one command that goes on after a kill."""
