"""Whether an index goes from one pack to another as it is claimed to: killed on the way, and asked all the time."""
