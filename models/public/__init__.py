"""Networks of public checkpoints that no paper of ours describes: the keys of their weights are the public ones."""
