"""The multimodality index: films, protocols, identities and what is asked of them, by one command."""
