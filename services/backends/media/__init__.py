"""Key frames and crops: a folder or a bucket."""
