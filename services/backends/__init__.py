"""What the services stand on: a Protocol for each back end, with its real adapters and its fake beside it."""
