"""The protocol `apes`: every tracklet asks for the others of its video, by face, by voice and by both."""
