"""The cache of who is associated with whom: Redis and its fake."""
