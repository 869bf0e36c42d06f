"""How the demo pack's networks are made: losses, samplers, data, recipes. Nothing imports this room."""
