"""Which appearances are the same person: long-term by face and voice, short-term by body."""
