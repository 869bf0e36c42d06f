"""Small gRPC services and what they stand on."""
