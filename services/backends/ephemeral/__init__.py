"""Progress, sessions, leases and wake-up calls: Redis and its fake."""
