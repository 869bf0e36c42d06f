"""The demo: a short film of the repository is taken in, and each of its cast is searched for by portrait."""
