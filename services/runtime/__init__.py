"""What every service shares: settings, errors, server bootstrap, health, validation and logging."""
