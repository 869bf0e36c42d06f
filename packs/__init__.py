"""Model packs: what an encoder eats, what it gives, and how similarities become evidence. No torch here."""
